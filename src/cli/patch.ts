// What differs between two documents, as diff shows it.
import { createTwoFilesPatch } from 'diff';
import { plain, styled } from './printer.js';

export interface Side {
  name: string;
  yaml: string;
}

/** Empty where nothing differs. */
export const patchOf = (one: Side, other: Side): string =>
  one.yaml === other.yaml ? '' : createTwoFilesPatch(one.name, other.name, one.yaml, other.yaml);

export const coloured = (patch: string): string =>
  patch
    .split('\n')
    .filter((line) => !/^=+$/.test(line))
    .map((line) => {
      const shown = line.split('\t').map(plain).join('\t');
      if (/^(---|\+\+\+) /.test(line)) return styled('bold', shown);
      if (line.startsWith('+')) return styled('green', shown);
      return line.startsWith('-') ? styled('red', shown) : shown;
    })
    .join('\n');
