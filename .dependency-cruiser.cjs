// Who may import whom: the table of docs/architecture.md. test/architecture.test.ts plants violations to prove that this can fail.
const rooms = {
  'src/model': [],
  'src/spec': ['src/model', 'src/formats'],
  'src/formats': ['src/model'],
  'src/hosts': ['src/model'],
  'src/engine': ['src/model'],
  'src/steps': ['src/model', 'src/spec', 'src/formats'],
  'src/systems': ['src/model', 'src/spec', 'src/formats', 'src/steps'],
  'src/fencing': ['src/model', 'src/spec', 'src/formats', 'src/steps'],
  'src/toolstacks': ['src/systems', 'src/model', 'src/spec', 'src/formats', 'src/steps'],
  'src/stacks': ['src/model', 'src/spec', 'src/formats', 'src/steps', 'src/toolstacks'],
  'src/doctor': ['src/model', 'src/spec', 'src/formats', 'src/steps', 'src/fencing', 'src/toolstacks', 'src/stacks'],
  'src/ordeals': ['src/model', 'src/spec', 'src/fencing', 'src/toolstacks', 'src/stacks'],
  'src/sandbox': ['src/model', 'src/spec', 'src/formats', 'src/steps', 'src/engine', 'src/hosts'],
  recipes: [
    'src/model',
    'src/spec',
    'src/formats',
    'src/steps',
    'src/systems',
    'src/fencing',
    'src/toolstacks',
    'src/stacks',
  ],
};

const inside = (room) => `^${room}/`;

module.exports = {
  forbidden: [
    ...Object.entries(rooms).map(([room, allowed]) => ({
      name: `${room} imports only what stands below it`,
      severity: 'error',
      from: { path: inside(room) },
      to: { path: '^(src|recipes|test)/', pathNot: [room, ...allowed].map(inside) },
    })),
    {
      name: 'execa only where processes are started',
      severity: 'error',
      from: { pathNot: '^(src/hosts|src/sandbox)/' },
      to: { path: 'node_modules/execa/' },
    },
    {
      name: 'listr2 only in the terminal reporter',
      severity: 'error',
      from: { pathNot: '^src/cli/reporters/tty' },
      to: { path: 'node_modules/listr2/' },
    },
    {
      name: 'inquirer only in the questions',
      severity: 'error',
      from: { pathNot: '^src/cli/' },
      to: { path: 'node_modules/inquirer/' },
    },
    {
      name: 'no zx in what users run',
      severity: 'error',
      from: { path: '^(src|recipes)/' },
      to: { path: 'node_modules/zx/' },
    },
    {
      name: 'no circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'nothing dead', severity: 'error', from: { orphan: true, path: '^(src|recipes)/' }, to: {} },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
