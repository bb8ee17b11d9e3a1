// A repository of objects by hand, also such as git would refuse, and the answers of a host that has it.

import { type GitObject, hashObject, type ObjectType } from '../../src/git/objects.js';
import { encodePacket, FLUSH } from '../../src/git/pkt-line.js';
import { type Entry, packOf, types } from '../unit/support/packs.js';
import type { Answer, Asked, Bytes, Script } from './scripted-host.js';

/** What a host is asked for. `offer` is the list before a push. */
export type Question = 'discover' | 'refs' | 'fetch' | 'offer' | 'push';

/** What is answered in the place of the right answer. */
export type Wrong = Partial<Record<Question, (right: Answer, asked: Asked) => Answer | null>>;

export class MadeRepository {
  readonly objects = new Map<string, GitObject>();
  /** Full names with their ids. */
  readonly references = new Map<string, string>();
  /** Where HEAD points. */
  target = 'refs/heads/main';

  put(type: ObjectType, content: Bytes): string {
    const object = { type, content: Buffer.from(content as string) };
    const id = hashObject(type, object.content);
    this.objects.set(id, object);
    return id;
  }

  /** A tree of these entries as they come: [mode, name, id]. Names are bytes as latin1. */
  tree(entries: [mode: string, name: string, id: string][]): string {
    const lines = entries.map(([mode, name, id]) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`, 'latin1'), Buffer.from(id, 'hex')]),
    );
    return this.put('tree', Buffer.concat(lines));
  }

  /** A commit of this tree, at the head of `main`. `header` stands before the message. */
  commit(tree: string, header = ''): string {
    const who = 'Ada <ada@sallyport.invalid> 1700000000 +0000';
    const id = this.put('commit', `tree ${tree}\nauthor ${who}\ncommitter ${who}\n${header}\nMade\n`);
    this.references.set('refs/heads/main', id);
    return id;
  }

  /** A pack of these objects, all when none are named. */
  pack(ids: Iterable<string> = this.objects.keys()): Buffer {
    return packOf([...ids].map((id) => this.entry(id)));
  }

  entry(id: string): Entry {
    const { type, content } = this.objects.get(id) as GitObject;
    return { type: types[type], content };
  }

  /** Answers as it should be, but for what is wrong on purpose. */
  script(wrong: Wrong = {}): Script {
    return (asked) => {
      const question = questionOf(asked);
      const right = this.#answer(question, asked);
      const change = wrong[question];
      return change === undefined ? right : change(right, asked);
    };
  }

  #answer(question: Question, asked: Asked): Answer {
    switch (question) {
      case 'discover':
        return advertise('git-upload-pack', [packetsOf(CAPABILITIES), '0000']);
      case 'offer':
        return advertise('git-receive-pack', [this.#offer()]);
      case 'refs':
        return result('git-upload-pack', [this.#listReferences()]);
      case 'fetch':
        return result('git-upload-pack', [
          encodePacket('packfile\n'),
          ...band(1, this.#packFor(asked)),
          FLUSH,
        ]);
      default:
        return report(['unpack ok', 'ok refs/heads/main']);
    }
  }

  #listReferences(): Buffer {
    const head = this.references.get(this.target);
    const lines = [...this.references].map(([name, id]) => `${id} ${name}\n`);
    if (head !== undefined) lines.unshift(`${head} HEAD symref-target:${this.target}\n`);
    return Buffer.concat([...lines.map(encodePacket), FLUSH]);
  }

  #offer(): Buffer {
    const lines = [...this.references].map(([name, id]) => `${id} ${name}`);
    const [first = `${'0'.repeat(40)} capabilities^{}`, ...rest] = lines;
    const words = 'report-status side-band-64k delete-refs ofs-delta atomic agent=git/2.39.5';
    return Buffer.concat([
      encodePacket(`${first}\0${words}\n`),
      ...rest.map((line) => encodePacket(`${line}\n`)),
      FLUSH,
    ]);
  }

  /** Commits and trees always come along, blobs when they are wanted by id. */
  #packFor(asked: Asked): Buffer {
    const wants = new Set(
      [...asked.body.toString('latin1').matchAll(/want ([0-9a-f]{40})/g)].map(([, id]) => id),
    );
    return this.pack(
      [...this.objects].filter(([id, { type }]) => type !== 'blob' || wants.has(id)).map(([id]) => id),
    );
  }
}

const CAPABILITIES = [
  'version 2',
  'agent=git/2.39.5',
  'ls-refs=unborn',
  'fetch=shallow wait-for-done filter',
  'server-option',
  'object-format=sha1',
];

function questionOf({ method, target, body }: Asked): Question {
  const isPush = target.includes('git-receive-pack');
  if (method === 'GET') return isPush ? 'offer' : 'discover';
  if (isPush) return 'push';
  return body.includes('command=ls-refs') ? 'refs' : 'fetch';
}

/** Lines as packets, each with its line end. */
export function packetsOf(lines: string[]): Buffer {
  return Buffer.concat(lines.map((line) => encodePacket(`${line}\n`)));
}

/** The bytes on a channel of the side band, in as many packets as they need. */
export function band(channel: number, bytes: Bytes): Buffer[] {
  const data = Buffer.from(bytes as string);
  const packets: Buffer[] = [];
  for (let at = 0; at < data.length; at += 65_000)
    packets.push(encodePacket(Buffer.concat([Buffer.from([channel]), data.subarray(at, at + 65_000)])));
  return packets;
}

/** The list that opens a conversation with this service. */
export function advertise(service: string, parts: Bytes[]): Answer {
  const body = Buffer.concat([
    packetsOf([`# service=${service}`]),
    FLUSH,
    ...parts.map((part) => Buffer.from(part as string)),
  ]);
  return { headers: { 'Content-Type': `application/x-${service}-advertisement` }, body };
}

export function result(service: string, parts: Bytes[]): Answer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return { headers: { 'Content-Type': `application/x-${service}-result` }, body };
}

/** An answer to a fetch with this pack, as it is. */
export function packAnswer(pack: Bytes): Answer {
  return result('git-upload-pack', [encodePacket('packfile\n'), ...band(1, pack), FLUSH]);
}

/** The report of a push with these lines. */
export function report(lines: string[]): Answer {
  return result('git-receive-pack', [...band(1, Buffer.concat([packetsOf(lines), FLUSH])), FLUSH]);
}

/** The answer's body as one. */
export function bodyOf({ body }: Answer): Buffer {
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body as string);
  throw new TypeError('The body is not bytes');
}
