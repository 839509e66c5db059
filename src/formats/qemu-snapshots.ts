/** A saved state of a virtual machine, as QEMU keeps it inside its disks. */
export interface Snapshot {
  readonly name: string;
  /** Of its memory and devices, e.g. `1.02 GiB`. */
  readonly size: string;
  /** When it was saved, local time: `2026-11-23 02:45:01`. */
  readonly at: string;
}

const ROW = /^\S+\s+(\S+)\s+([\d.]+\s\w+)\s+(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\s/;

/** What `info snapshots` of the monitor and `qemu-img snapshot -l` print (QEMU 7.2): a row each, no row where there is none. */
export function readSnapshots(text: string): readonly Snapshot[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, name, size, at] = ROW.exec(line) ?? [];
    return name === undefined || size === undefined || at === undefined ? [] : [{ name, size, at }];
  });
}
