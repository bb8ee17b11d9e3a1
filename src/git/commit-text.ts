// What a commit says of itself, as far as it can be read: hosts hold commits of every age and encoding.
import type { Signature } from './git.js';
import { type CommitHeader, decodeCommit } from './objects.js';

export interface CommitWords extends CommitHeader {
  author: Signature;
  committer: Signature;
  message: string;
  isMessageCut: boolean;
  operation: string | null;
}

const MESSAGE_CHARACTERS_MAX = 4_096;
const NAME_CHARACTERS_MAX = 256;
/** A trailer is looked for in so many bytes at the end: as many as a message of ours has, and then some. */
const TRAILER_BYTES = 128 * 1024;
const TRAILER = /^Sallyport-Operation: ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/gm;

/** Seconds since 1970 by which histories are sorted; 0 where the commit does not say. @throws MalformedObject */
export function readCommitDate(content: Buffer): number {
  decodeCommit(content);
  const { header } = partsOf(content);
  return signatureOf(lineOf(header, 'committer'), (raw) => raw).at;
}

/** @throws MalformedObject */
export function readCommit(content: Buffer): CommitWords {
  const { tree, parents } = decodeCommit(content);
  const { header, body } = partsOf(content);
  const decode = decoderFor(lineOf(header, 'encoding'));
  const message = decode(content.subarray(body).toString('latin1'));
  const tail = content.toString('utf8', Math.max(body, content.length - TRAILER_BYTES));
  return {
    tree,
    parents,
    author: signatureOf(lineOf(header, 'author'), decode),
    committer: signatureOf(lineOf(header, 'committer'), decode),
    message: bounded(message, MESSAGE_CHARACTERS_MAX),
    isMessageCut: message.length > MESSAGE_CHARACTERS_MAX,
    operation: [...tail.matchAll(TRAILER)].at(-1)?.[1] ?? null,
  };
}

/** The header as latin1, and where the message begins. */
function partsOf(content: Buffer): { header: string; body: number } {
  const end = content.indexOf('\n\n');
  return end < 0
    ? { header: content.toString('latin1'), body: content.length }
    : { header: content.toString('latin1', 0, end), body: end + 2 };
}

/** What stands behind the word in the header; lines that begin with a space belong to the one before. */
function lineOf(header: string, word: string): string {
  const line = header.split('\n').find((one) => one.startsWith(`${word} `));
  return line?.slice(word.length + 1) ?? '';
}

/** 'Ada <ada@a.example> 1700000000 +0100' */
function signatureOf(line: string, decode: (raw: string) => string): Signature {
  const begin = line.indexOf('<');
  const end = line.indexOf('>');
  const text = (raw: string): string => bounded(decode(raw).trim(), NAME_CHARACTERS_MAX);
  const at = Number(/^\s*(\d{1,15})\b/.exec(line.slice(end + 1))?.[1] ?? 0);
  return begin < 0 || end < begin
    ? { name: text(line), email: '', at: 0 }
    : { name: text(line.slice(0, begin)), email: text(line.slice(begin + 1, end)), at };
}

/** Of bytes held as latin1. */
function decoderFor(label: string): (raw: string) => string {
  const decoder = decoderOf(label === '' ? 'utf-8' : label);
  return (raw) => decoder.decode(Buffer.from(raw, 'latin1')).replaceAll('\0', '\ufffd');
}

function decoderOf(label: string) {
  try {
    return new TextDecoder(label);
  } catch {
    return new TextDecoder();
  }
}

/** No half of a character is left at the end. */
const bounded = (text: string, max: number): string => text.slice(0, max).replace(/[\ud800-\udbff]$/, '');
