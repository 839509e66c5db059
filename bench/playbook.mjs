// The same looks as an Ansible playbook: one task a look, dom0 first, then all guests at once.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const tasksOf = (texts, when) =>
  texts.map((text, n) => ({
    name: `look ${n + 1}`,
    'ansible.builtin.shell': text,
    changed_when: false,
    failed_when: false,
    ...(when ? { when: when(text) } : {}),
  }));

/**
 * Writes inventory, configuration and playbook (JSON is YAML). Ansible keeps its connections for a minute too, by itself.
 * @returns the command that plays it; over connections that stand only with the same directory for their sockets
 */
export function playbook(directory, recorded) {
  const guests = Object.keys(recorded.addresses);
  const having = (text) => guests.filter((name) => recorded.hosts[name].looks.includes(text));
  const all = [...new Set(guests.flatMap((name) => recorded.hosts[name].looks))];
  const plays = [
    { hosts: 'dom0', gather_facts: false, tasks: tasksOf(recorded.hosts.dom0.looks) },
    {
      hosts: 'guests',
      gather_facts: false,
      tasks: tasksOf(all, (text) => `inventory_hostname in ${JSON.stringify(having(text))}`),
    },
  ];
  // What the looks hold is no template of Ansible's.
  const text = JSON.stringify(plays, (key, value) =>
    key === 'ansible.builtin.shell' ? `{% raw %}${value}{% endraw %}` : value,
  );
  writeFileSync(join(directory, 'play.yml'), text);
  const host = (name, address) =>
    `${name} ansible_host=${address} ansible_user=root ansible_python_interpreter=/usr/bin/python3\n`;
  const inventory = `${host('dom0', recorded.dom0)}[guests]\n${guests.map((name) => host(name, recorded.addresses[name])).join('')}`;
  writeFileSync(join(directory, 'inventory'), inventory);
  const settings = '[defaults]\nforks = 32\nhost_key_checking = True\n[ssh_connection]\npipelining = True\n';
  writeFileSync(join(directory, 'ansible.cfg'), settings);
  return (sockets) => [
    'env',
    `ANSIBLE_SSH_CONTROL_PATH_DIR=${sockets}`,
    'ansible-playbook',
    '-i',
    'inventory',
    'play.yml',
  ];
}
