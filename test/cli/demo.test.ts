import { it } from 'vitest';
import { writeFileSync } from 'node:fs';
import { plainReporter } from '../../src/cli/reporters/plain.ts';
import { ttyReporter } from '../../src/cli/reporters/tty.ts';
import { command, file } from '../../src/model/change.ts';
import { collector, node, outline, terminal } from './screen.ts';
import type { Event } from '../../src/model/event.ts';
const chapters = {
  'Before you begin': ['dom0','packages','bridge','budget'].map((n) => node('0', n, `Have ${n}`)),
  'The guests': [node('4','clone-molly','Clone the image for molly'), node('4','domain-file-molly','Edit /etc/xen/molly'), node('4','key','Make the fencing key')],
  'Boot': [node('6','boot-molly','Start molly'), node('6','boot-frederick','Start frederick'), node('6','verify-molly','Check that molly is who it should be','molly')],
  'The fencing host': ['a','b','c','d'].map((n) => node('7', n, `Do ${n}`)),
};
const all = Object.values(chapters).flat();
const [g1,g2,g3] = chapters['The guests']; const [b1,b2,b3] = chapters.Boot;
function dry(): Event[] {
  return [outline(chapters, true),
   ...chapters['Before you begin'].map((n): Event => ({event:'step',...n,verdict:'met',changes:[],ms:3})),
   {event:'step',...g1!,verdict:'change',ms:4,changes:[command(['cp','--reflink=auto','/guests/default.img',"/guests/molly's.img"],{why:'clone', destroys:'/guests/molly.img'}), command(['sh','-s'],{input:'set -e\necho hi\n'})]},
   {event:'step',...g2!,verdict:'change',ms:4,changes:[file('/etc/xen/molly',0o644,'name = "molly"\nx=1\n',Buffer.from('name = "a"\nx=1\n')), file('/etc/new',0o644,'a\n\u001b[31mb\n')]},
   {event:'step',...g3!,verdict:'change',ms:4,changes:[{...file('/etc/cluster/fence_xvm.key',0o600,'s3cret'),secret:true}]},
   {event:'step',...b1!,verdict:'later',waitsFor:'4.clone-molly',ms:4,changes:[{is:'act',says:'wait for molly',act:async()=>{}}]},
   {event:'step',...b2!,verdict:'later',waitsFor:'4.clone-molly',ms:4,changes:[]},
   {event:'step',...b3!,verdict:'failed',failure:{name:'Refused',message:'no\nreally',hint:'try x'},ms:4,changes:[]},
   ...chapters['The fencing host'].map((n): Event => ({event:'step',...n,verdict:'met',changes:[],ms:3})),
   {event:'summary',met:8,changed:3,later:2,failed:1}];
}
function fail(): Event[] {
  return [outline(chapters),
   ...chapters['Before you begin'].flatMap((n): Event[] => [{event:'started',...n},{event:'step',...n,verdict:'met',changes:[],ms:3}]),
   {event:'started',...g1!},{event:'started',...b1!},{event:'doing',id:b1!.id,says:'waiting, 3 s of 60 s: no ARP'},{event:'step',...g1!,verdict:'change',ms:12345,changes:[]},
   {event:'step',...g2!,verdict:'change',ms:1234,changes:[]},
   {event:'step',...g3!,verdict:'met',ms:4,changes:[]},
   {event:'step',...b1!,verdict:'failed',ms:63000,changes:[],failure:{name:'CommandFailed',message:'on dom0: `virsh start molly` ended with exit code 1\n    error: \u001b[31mno\u001b[0m memory\n    last',hint:'free some memory',detail:['console: boot','console: panic']}},
   {event:'step',...b2!,verdict:'change',ms:200,changes:[]},
   {event:'step',...b3!,verdict:'later',ms:4,changes:[]},
   ...chapters['The fencing host'].map((n): Event => ({event:'step',...n,verdict:'later',changes:[],ms:0})),
   {event:'summary',met:5,changed:3,later:5,failed:1}];
}
it('shows', async () => {
  let out = '';
  for (const events of [dry(), fail()]) {
    const o = collector(); const r = plainReporter({stdout:o, stderr:o, resume:'lab up --file x.yaml', colours:false});
    for (const e of events) r.emit(e); await r.end(); out += o.text() + '\n======\n';
  }
  const t = terminal(80, 24);
  const r = ttyReporter({stdout:t.stream, stderr:t.stream, resume:'lab up', colours:true});
  for (const e of fail()) { r.emit(e); await new Promise((x) => setTimeout(x, 30)); if (e.event==='step') out += await t.text() + '\n----------\n'; }
  await r.end(); out += await t.text();
  writeFileSync('/tmp/demo.txt', out);
});
