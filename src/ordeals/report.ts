import type { Evidence } from '../model/step.ts';
import type { Lab } from '../spec/lab.ts';
import { nameOf, type Ordeal, sayOrdeal } from './ordeal.ts';

/** What a real fencing came to, and what it took. Times are in ms since the guest was struck. */
export interface Report {
  readonly lab: string;
  /** ISO 8601. */
  readonly at: string;
  readonly ordeal: string;
  readonly says: string;
  readonly passed: boolean;
  readonly victim: string;
  /** Whose power was cut; undefined: nobody's. */
  readonly fenced?: string;
  readonly verdict: string;
  readonly measured: Readonly<Record<string, number | string>>;
  /** What was seen, each line with the seconds since it began. */
  readonly transcript: readonly string[];
}

/** @param rejoined undefined: the cluster was not made whole again */
export function reportOf(lab: Lab, ordeal: Ordeal, struck: Evidence, rejoined: Evidence | undefined, at: Date): Report {
  const measured = { ...struck.measured, ...rejoined?.measured };
  const { fenced, ...figures } = measured;
  const verdicts = [struck, ...(rejoined ? [rejoined] : [])].map(({ layer, says }) =>
    layer ? `${layer}: ${says}` : says,
  );
  return {
    lab: lab.name,
    at: at.toISOString(),
    ordeal: nameOf(ordeal),
    says: sayOrdeal(lab, ordeal),
    passed: struck.passed && rejoined?.passed === true,
    victim: ordeal.victim.name,
    ...(fenced === undefined ? {} : { fenced: String(fenced) }),
    verdict: [...verdicts, ...(rejoined ? [] : ['the cluster is not whole again'])].join('; '),
    measured: figures,
    transcript: [...struck.transcript, ...(rejoined?.transcript ?? [])],
  };
}

/** The names of the figures in words, in the order in which they come about. */
const words = {
  answeredMs: 'the request was answered',
  domainGoneMs: 'the domain was gone',
  detectedMs: 'lost to the cluster',
  fencedMs: 'known to be fenced',
  quorateMs: 'the survivor was quorate',
  wroteOnMs: 'the survivor wrote on',
  onMs: 'powered on again',
  rejoinedMs: 'back in the cluster',
} as const;

/** The report for people. */
export function reportText({ at, ordeal, says, passed, verdict, measured, transcript }: Report): string {
  const figures = Object.entries(words).flatMap(([name, what]) => {
    const ms = measured[name];
    return typeof ms === 'number' ? [`  ${(ms / 1000).toFixed(1).padStart(7)} s  ${what}`] : [];
  });
  return [
    `${ordeal}: ${passed ? 'passed' : 'FAILED'} (${at})`,
    `  ${says}`,
    `  ${verdict}`,
    'Since it began:',
    ...figures,
    'What was seen:',
    ...transcript.map((line) => `  ${line}`),
    '',
  ].join('\n');
}
