import { expect, test } from 'vitest';
import { markLine, markWords, readMark, sealed, unsealed } from '../../src/formats/seal.ts';

const text = `${markLine('lolcats')}\nport = 1229\n`;

test('a seal fits the text it was made for, and no other', () => {
  const written = sealed(text);
  expect(readMark(written)).toEqual({ lab: 'lolcats', intact: true });
  expect(readMark(written.replace('1229', '1230'))).toEqual({ lab: 'lolcats', intact: false });
  expect(readMark(written.replace('lolcats', 'dogs'))).toEqual({ lab: 'dogs', intact: false });
  expect(unsealed(written)).toBe(text);
  expect(sealed(written)).toBe(written);
});

test('a mark without a seal vouches for nothing; a text without a mark has none, and gets no seal', () => {
  expect(readMark(text)).toEqual({ lab: 'lolcats', intact: false });
  expect(readMark('port = 1229\n')).toBeUndefined();
  expect(sealed('port = 1229\n')).toBe('port = 1229\n');
});

test.each(['a--b', '---', '-', 'a-b', '_'])('the lab %s in XML, whose comments hold no two hyphens', (lab) => {
  const xml = sealed(`<?xml version="1.0"?>\n<!-- ${markWords(lab)} -->\n<cluster/>\n`);
  expect(xml.slice(xml.indexOf('<!--') + 4, xml.indexOf('-->'))).not.toContain('--');
  expect(readMark(xml)).toEqual({ lab, intact: true });
});
