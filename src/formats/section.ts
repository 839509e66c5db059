/** What corosync.conf and fence_virt.conf have in common: named sections that hold values and further sections. */
export interface Section {
  readonly values: ReadonlyMap<string, string>;
  /** By name, in order: `node` may come many times. */
  readonly sections: ReadonlyMap<string, readonly Section[]>;
}

/** Builds a tree of sections while a file is read from top to bottom. */
export class SectionBuilder {
  private readonly root = { values: new Map<string, string>(), sections: new Map<string, Section[]>() };
  private readonly open = [this.root];

  private get top(): typeof this.root {
    return this.open.at(-1) ?? this.root;
  }

  /** The last value of a name wins. */
  set(name: string, value: string): void {
    this.top.values.set(name, value);
  }

  enter(name: string): void {
    const section = { values: new Map<string, string>(), sections: new Map<string, Section[]>() };
    const named = this.top.sections.get(name);
    if (named) named.push(section);
    else this.top.sections.set(name, [section]);
    this.open.push(section);
  }

  /** False if no section is open. */
  leave(): boolean {
    return this.open.length > 1 && this.open.pop() !== undefined;
  }

  /** How many sections are open. */
  get depth(): number {
    return this.open.length - 1;
  }

  finish(): Section {
    return this.root;
  }
}

/** The first section reached by a path of names. */
export function sectionAt(section: Section, ...names: readonly string[]): Section | undefined {
  return names.reduce<Section | undefined>((at, name) => at?.sections.get(name)?.[0], section);
}
