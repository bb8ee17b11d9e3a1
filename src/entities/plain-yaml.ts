// The quick way to the value of a plain document: block mappings and sequences with plain and simply quoted texts, and flow
// collections on one line, which is what most files hold. It refuses nothing and reports nothing: of whatever it is not sure,
// it answers that it does not know, and the parser that knows places and words decides. What it answers, that parser answers too.
import { keysMax } from './document-rules.js';

/** No document that is read here is nested deeper. */
const DEPTH_MAX = 32;
/** Longer keys are left to the parser, which knows up to where a key may reach. */
const KEY_LENGTH_MAX = 256;

/** Tabs, other ends of lines than one, and byte-order marks have rules of their own. */
const UNUSUAL = /[\t\r\ufeff]/;
const KEY = /[A-Za-z_][A-Za-z0-9_./-]*/y;
/** Texts that the core schema takes for something else than a text. */
const CONSTANT = /^(?:null|Null|NULL|true|True|TRUE|false|False|FALSE)$/;
/** Up to the end of the line, a comment, or a colon that makes it a key. It begins with nothing that has a meaning of its own. */
const PLAIN =
  /(?:[A-Za-z0-9_/À-ɏ]|-(?=[A-Za-z-])|\.(?=\/)|\$(?=[A-Za-z({]))(?:[!-9;-~À-ɏ]|:(?=[!-~])| +(?=[!"$-9;-~À-ɏ]))*/y;
/** The same within brackets, where those and commas end it too. */
const FLOW_PLAIN =
  /(?:[A-Za-z0-9_/À-ɏ]|-(?=[A-Za-z-])|\.(?=\/)|\$(?=[A-Za-z(]))(?:[!-+\--9;-Z\\^-z|~À-ɏ]|:(?=[A-Za-z0-9_/.])| +(?=[!"$-+\--9;-Z\\^-z|~À-ɏ]))*/y;
const DOUBLE_QUOTED = /"([^"\\\n]*)"/y;
const SINGLE_QUOTED = /'([^'\n]*)'(?!')/y;
const INTEGER = /^[0-9]+$/;
/** Other numbers, and what looks as if it might be one. */
const NUMBER_LIKE = /^[0-9]/;
const DECIMAL = /^[0-9]+\.[0-9]+$/;
/** Words with a letter behind the number are texts: `100m`, `2Gi`, `1.2.3`, `80/tcp`. */
const NO_NUMBER = /^[0-9]+(?:[A-DF-Za-df-np-wyz/:_-]|\.[0-9]+\.)/;

const [LINE_END, SPACE, HASH, DASH, COLON, COMMA] = [0x0a, 0x20, 0x23, 0x2d, 0x3a, 0x2c];
const [DOUBLE_QUOTE, SINGLE_QUOTE] = [0x22, 0x27];
const [BRACKET, BRACKET_END, BRACE, BRACE_END] = [0x5b, 0x5d, 0x7b, 0x7d];

export type PlainValue = string | number | boolean | null | PlainValue[] | { [key: string]: PlainValue };

/** What the document says; undefined where it is for the parser to say it. */
export function readPlain(text: string): Record<string, PlainValue> | undefined {
  if (UNUSUAL.test(text)) return undefined;
  try {
    return new Reader(text).read();
  } catch (error) {
    if (error === unsure) return undefined;
    throw error;
  }
}

/** Thrown where a document is not plain. */
const unsure = new Error('For the parser');

class Reader {
  /** Where it goes on. Between lines: at the first character of the next one that says something. */
  #at = 0;
  /** Of that line. */
  #column = 0;
  #keys = 0;

  constructor(private readonly text: string) {}

  read(): Record<string, PlainValue> {
    this.#nextLine();
    if (this.#column === 0 && this.text.startsWith('---\n', this.#at)) {
      this.#at += 4;
      this.#nextLine();
    }
    if (this.#isOver || this.#isDash()) throw unsure;
    const value = this.#mapping(this.#column, 1);
    if (!this.#isOver) throw unsure;
    return value;
  }

  get #isOver(): boolean {
    return this.#at >= this.text.length;
  }

  /** From the beginning of a line on, to the next that is no comment and not empty. */
  #nextLine(): void {
    const { text } = this;
    for (let at = this.#at; ; ) {
      const begin = at;
      while (text.charCodeAt(at) === SPACE) at += 1;
      this.#at = at;
      this.#column = at - begin;
      if (at >= text.length) return;
      const code = text.charCodeAt(at);
      if (code === HASH) {
        const end = text.indexOf('\n', at);
        at = end < 0 ? text.length : end + 1;
      } else if (code === LINE_END) at += 1;
      else return;
    }
  }

  /** Past the end of a line on which nothing more is said but a comment, and to the next that says something. */
  #endLine(): void {
    if (!this.#isLineEnd()) throw unsure;
    this.#nextLine();
  }

  /** Whether nothing is left of the line but a comment; if so, goes past it. */
  #isLineEnd(): boolean {
    const { text } = this;
    const begin = this.#at;
    let at = begin;
    while (text.charCodeAt(at) === SPACE) at += 1;
    if (at < text.length) {
      const code = text.charCodeAt(at);
      if (code === HASH && at > begin) {
        const end = text.indexOf('\n', at);
        at = end < 0 ? text.length : end + 1;
      } else if (code === LINE_END) at += 1;
      else return false;
    }
    this.#at = at;
    return true;
  }

  #isDash(): boolean {
    if (this.text.charCodeAt(this.#at) !== DASH) return false;
    const next = this.text.charCodeAt(this.#at + 1);
    return next === SPACE || next === LINE_END || Number.isNaN(next);
  }

  /** What is nested below a key or a dash of this column. */
  #nested(column: number, depth: number): PlainValue {
    const isBelow = !this.#isOver && this.#column > column;
    if (!isBelow) return null;
    return this.#isDash() ? this.#sequence(this.#column, depth) : this.#mapping(this.#column, depth);
  }

  #mapping(column: number, depth: number): Record<string, PlainValue> {
    if (depth > DEPTH_MAX) throw unsure;
    const value: Record<string, PlainValue> = {};
    do {
      const key = this.#key(value);
      if (!this.#isLineEnd()) {
        this.#spaces();
        value[key] = this.#value(depth);
        this.#endLine();
      } else {
        this.#nextLine();
        const isSequence = !this.#isOver && this.#column === column && this.#isDash();
        value[key] = isSequence ? this.#sequence(column, depth + 1) : this.#nested(column, depth + 1);
      }
    } while (this.#goesOn(column));
    return value;
  }

  #sequence(column: number, depth: number): PlainValue[] {
    if (depth > DEPTH_MAX) throw unsure;
    const values: PlainValue[] = [];
    do {
      const begin = this.#at;
      this.#at += 1;
      if (this.#isLineEnd()) {
        this.#nextLine();
        values.push(this.#nested(column, depth + 1));
        continue;
      }
      this.#spaces();
      if (this.#isDash()) throw unsure;
      if (this.#isKey()) values.push(this.#mapping(column + this.#at - begin, depth + 1));
      else {
        values.push(this.#value(depth));
        this.#endLine();
      }
    } while (this.#goesOn(column) && this.#isDash());
    return values;
  }

  /** Whether the line is of this column; one that is deeper belongs to nothing that is read here. */
  #goesOn(column: number): boolean {
    if (this.#isOver || this.#column < column) return false;
    if (this.#column > column) throw unsure;
    return true;
  }

  #isKey(): boolean {
    KEY.lastIndex = this.#at;
    if (!KEY.test(this.text)) return false;
    const end = KEY.lastIndex;
    if (this.text.charCodeAt(end) !== COLON) return false;
    const next = this.text.charCodeAt(end + 1);
    return next === SPACE || next === LINE_END || Number.isNaN(next);
  }

  /** A key that is new, and its colon. */
  #key(known: Record<string, PlainValue>): string {
    if (!this.#isKey()) throw unsure;
    const key = this.text.slice(this.#at, KEY.lastIndex);
    this.#at = KEY.lastIndex + 1;
    this.#keys += 1;
    if (key.length > KEY_LENGTH_MAX || this.#keys > keysMax || key === '__proto__') throw unsure;
    if (CONSTANT.test(key) || Object.hasOwn(known, key)) throw unsure;
    return key;
  }

  #spaces(): void {
    while (this.text.charCodeAt(this.#at) === SPACE) this.#at += 1;
  }

  /** A text in quotes, a flow collection, or a plain text, on one line. */
  #value(depth: number, plain = PLAIN): PlainValue {
    const code = this.text.charCodeAt(this.#at);
    if (code === DOUBLE_QUOTE) return this.#quoted(DOUBLE_QUOTED);
    if (code === SINGLE_QUOTE) return this.#quoted(SINGLE_QUOTED);
    if (code === BRACKET) return this.#flowSequence(depth + 1);
    if (code === BRACE) return this.#flowMapping(depth + 1);
    return toValue(this.#take(plain)[0]);
  }

  #quoted(form: RegExp): string {
    return this.#take(form)[1] as string;
  }

  #take(form: RegExp): RegExpExecArray {
    form.lastIndex = this.#at;
    const found = form.exec(this.text);
    if (found === null) throw unsure;
    this.#at = form.lastIndex;
    return found;
  }

  #flowSequence(depth: number): PlainValue[] {
    const values: PlainValue[] = [];
    this.#flow(BRACKET_END, depth, () => values.push(this.#value(depth, FLOW_PLAIN)));
    return values;
  }

  #flowMapping(depth: number): Record<string, PlainValue> {
    const value: Record<string, PlainValue> = {};
    this.#flow(BRACE_END, depth, () => {
      const key = this.#key(value);
      this.#spaces();
      value[key] = this.#value(depth, FLOW_PLAIN);
    });
    return value;
  }

  /** What stands between brackets, with commas between. */
  #flow(end: number, depth: number, takeItem: () => void): void {
    if (depth > DEPTH_MAX) throw unsure;
    this.#at += 1;
    this.#spaces();
    if (this.text.charCodeAt(this.#at) !== end)
      for (;;) {
        takeItem();
        this.#spaces();
        const code = this.text.charCodeAt(this.#at);
        if (code === end) break;
        if (code !== COMMA) throw unsure;
        this.#at += 1;
        this.#spaces();
      }
    this.#at += 1;
  }
}

/** By the core schema. */
function toValue(text: string): PlainValue {
  if (!NUMBER_LIKE.test(text)) {
    if (!CONSTANT.test(text)) return text;
    const first = text.charAt(0).toLowerCase();
    return first === 'n' ? null : first === 't';
  }
  if (INTEGER.test(text)) return Number.parseInt(text, 10);
  if (DECIMAL.test(text)) return Number.parseFloat(text);
  if (NO_NUMBER.test(text)) return text;
  throw unsure;
}
