import { BadInput, type Complaint } from '../model/errors.ts';

/** More would scroll the first ones away. */
export const MOST_COMPLAINTS = 50;

/** BadInput of at most 50 complaints, sorted by place, and of how many more there are. */
export function badInput(complaints: readonly Complaint[], total = complaints.length): BadInput {
  const shown = complaints.slice(0, MOST_COMPLAINTS).sort(byPlace);
  const file = shown.at(-1)?.place.file;
  if (file === undefined || total <= shown.length) return new BadInput(shown);
  return new BadInput([...shown, { place: { file }, message: `and ${total - shown.length} more` }]);
}

function byPlace({ place: a }: Complaint, { place: b }: Complaint): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
