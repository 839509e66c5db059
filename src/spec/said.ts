/** Sentences of the document that stand behind a rule, in its own words: a complaint shows them as the reason. */

const said = (sentence: string): string => `the document says: “${sentence}”`;

export const SAID = {
  bridged: said('fence_xvmd was designed with Xen Bridged networking in mind.'),
  neverMix: said('Never mix domU and dom0 nodes in the same cluster. Doing so leads to ugly quorum problems.'),
  clusterName: said(
    "your cluster name / alias could be anything as long as it doesn't collide with other hosts on the network",
  ),
  tenGigabytes: said('You probably want at least 10GB per machine.'),
  mustChange: said('You *MUST* change the uuid, name, disk, and vif lines at a minimum'),
  fileName: said('Must match domain file name'),
  increment: said('I just increment this one.'),
} as const;
