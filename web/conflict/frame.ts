// What a document is written with: bytes that mean nothing, and that nobody wants to lose.
import type { Both } from './items.js';

export interface Frame {
  mark: '' | '\uFEFF';
  /** How its lines end; none where they end in more than one way. */
  breaks: 'LF' | 'CRLF' | undefined;
  isLastBroken: boolean;
  /** Without any of that: lines that end with LF, where all of them end in the same way. */
  text: string;
}

/** The lines of all of them end in the same way, or stay as they are. */
export function framesOf(sources: Both<string>): Both<Frame> {
  const all = [sources.base, sources.theirs, sources.ours].filter((one) => one !== undefined);
  const isEven = all.every((one) => breaksOf(one) !== undefined);
  const toFrame = (source: string): Frame => frameOf(source, isEven);
  return {
    base: sources.base === undefined ? undefined : toFrame(sources.base),
    theirs: toFrame(sources.theirs),
    ours: toFrame(sources.ours),
  };
}

function breaksOf(source: string): Frame['breaks'] {
  const [all, ofWindows] = [source.split('\n').length, source.split('\r\n').length];
  if (ofWindows === 1) return 'LF';
  return all === ofWindows ? 'CRLF' : undefined;
}

function frameOf(source: string, isEven: boolean): Frame {
  const mark = source.startsWith('\uFEFF') ? '\uFEFF' : '';
  const breaks = isEven ? breaksOf(source) : undefined;
  const isLastBroken = source.endsWith('\n');
  const text = source.slice(mark.length) + (isLastBroken ? '' : '\n');
  return { mark, breaks, isLastBroken, text: breaks === 'CRLF' ? text.replaceAll('\r\n', '\n') : text };
}

export function framed(text: string, { mark, breaks, isLastBroken }: Omit<Frame, 'text'>): string {
  const lines = isLastBroken ? text : text.replace(/\n$/, '');
  return mark + (breaks === 'CRLF' ? lines.replaceAll('\n', '\r\n') : lines);
}
