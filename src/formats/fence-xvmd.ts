/** What the debugging output of fence_xvmd shows of a null test. */
export interface XvmdVerdict {
  readonly passed: boolean;
  readonly layer: 'request to dom0' | 'name' | 'answer';
  readonly says: string;
}

/**
 * Judges the output of `fence_xvmd -fdddd` after a null test: the request seen, the domain running here, the null operation
 * refused on purpose (the document, Setting up the cluster 4: "On the server, you should see").
 */
export function judgeXvmdLog(lines: readonly string[], domain: string): XvmdVerdict {
  const has = (text: string) => lines.some((line) => line.includes(text));
  const fail = (layer: XvmdVerdict['layer'], says: string): XvmdVerdict => ({ passed: false, layer, says });
  if (!has(`Request to fence: ${domain}`))
    return fail(
      'request to dom0',
      `fence_xvmd on this dom0 saw no request for ${domain}: another host answers, or none`,
    );
  if (!has(`${domain} is running locally`))
    return fail('name', `fence_xvmd does not see ${domain} running on this dom0`);
  if (!has('NULL operation: returning failure')) return fail('answer', 'fence_xvmd saw no null operation');
  return { passed: true, layer: 'answer', says: 'fence_xvmd saw the request and refused it on purpose' };
}
