import { diagnose, type Diagnosis, doctorChapter, type Finding, probesOf } from '../../doctor/index.ts';
import { type Context, openContext, type WhichLab } from '../context.ts';
import { findingsOf } from '../diagnosis.ts';
import { changeAsJson } from '../reporters/changes.ts';
import { clean, type Paint, painter, tidy } from '../reporters/words.ts';
import { showWhere } from '../where.ts';
import { chosen, resumeCommand, runChapters } from '../run.ts';
import { streams, tell, warn } from '../output.ts';

export interface DoctorOptions extends WhichLab {
  readonly json?: boolean;
  readonly fix?: boolean;
}

/** `lab doctor`: layer by layer, and the one cause. Without the lock: it looks. @returns 0 all layers hold, 1 they do not */
export async function doctorCommand(options: DoctorOptions): Promise<number> {
  const diagnosis = await examination(options);
  if (!options.fix || !diagnosis.cause || diagnosis.layer === undefined) return diagnosis.allHold ? 0 : 1;
  if (!(await cure(options, diagnosis))) return 1;
  return (await examination(options)).allHold ? 0 : 1;
}

/** One examination, and its report. */
async function examination(options: DoctorOptions): Promise<Diagnosis> {
  const context = await openContext(options);
  const findings = await findingsOf(context);
  const diagnosis = diagnose(findings);
  tell(options.json ? asJson(findings, diagnosis, options) : asText(context, findings, diagnosis, options));
  return diagnosis;
}

/** Makes the cure of one cause, with the lock, through the engine. @returns whether it was made */
async function cure(options: DoctorOptions, { cause, layer = '' }: Diagnosis): Promise<boolean> {
  if (!cause) return false;
  const context = await openContext(options);
  const { chapters } = cause.cure;
  const own = doctorChapter(probesOf(context.lab), layer, cause);
  if (!own && !chapters) {
    warn(`lab: nothing was changed: this cure is to be typed: ${typed(cause.cure, options)}\n`);
    return false;
  }
  const run = own ? [own] : chosen(await context.chapters(), chapters);
  // Who asks for the cure agrees to it: what was edited by hand stays beside it.
  const agreed = { ...options, yes: true };
  return (await runChapters(context, run, agreed, resumeCommand('lab doctor --fix', options))) === 0;
}

type Cure = NonNullable<Diagnosis['cause']>['cure'];

/** A command with the lab and the place that this run was told. */
function placed(command: string, { file, host }: DoctorOptions): string {
  const told = resumeCommand('', { ...(file === undefined ? {} : { file }), ...(host === undefined ? {} : { host }) });
  return command.replace(/\blab (up|down|ssh|fence-test)\b(?! --host)/g, (own) => own + told);
}

/** What to type, and where. */
function typed({ command, where }: Cure, options: DoctorOptions): string {
  return where === undefined ? placed(command, options) : `${where}# ${command}`;
}

function asJson(findings: readonly Finding[], { cause, layer, says, allHold }: Diagnosis, options: DoctorOptions) {
  const told = (one: NonNullable<Finding['cause']> | undefined) =>
    one && {
      ...one,
      cure: {
        ...one.cure,
        command: placed(one.cure.command, options),
        change: one.cure.change && changeAsJson(one.cure.change),
      },
    };
  const lines = [
    ...findings.map(({ cause: why, suspect, ...finding }) => ({
      event: 'finding',
      ...finding,
      cause: told(why),
      suspect: told(suspect),
    })),
    { event: 'diagnosis', holds: allHold, layer, says, cause: told(cause) ?? null },
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function asText(
  { lab, where }: Context,
  findings: readonly Finding[],
  { cause, says, allHold }: Diagnosis,
  options: DoctorOptions,
): string {
  const { isTTY } = streams().stdout;
  const paint = painter(Boolean(isTTY) && !process.env.NO_COLOR && process.env.TERM !== 'dumb');
  const width = Math.max(...findings.map(({ layer }) => layer.length));
  const lines = [
    `${lab.name} on ${clean(showWhere(where))}`,
    ...findings.map((finding) => line(finding, width, paint)),
    '',
    cause ? `cause: ${paint('bold', cause.name)}: ${tidy(cause.says)}` : paint(allHold ? 'green' : 'yellow', says),
    ...(cause ? [`cure:  ${cause.cure.says}`, `       ${tidy(typed(cause.cure, options))}`] : []),
    ...(cause && !options.fix && (cause.cure.change || cause.cure.chapters)
      ? [`       or let lab do it: ${resumeCommand('lab doctor --fix', options)}`]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

function line({ state, layer, saw, proves }: Finding, width: number, paint: Paint): string {
  const colour = { holds: 'green', broken: 'red', unknown: 'yellow' } as const;
  const text = [tidy(saw).replaceAll('\n', ' '), ...(proves ? [paint('dim', `(${proves})`)] : [])].join(' ');
  return `  ${paint(colour[state], state.padEnd(7))}  ${layer.padEnd(width)}  ${text}`;
}
