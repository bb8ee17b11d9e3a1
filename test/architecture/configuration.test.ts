import { describe, expect, it } from 'vitest';
import { type SettingName, settings } from '../../src/config/config.js';
import { plain, readText, tableRows, toNumber } from './pages.js';

const ABSENT = '–';
const rows = tableRows(readText('docs/reference/configuration.md'));

describe('the page of settings', () => {
  const listed = rows.map(
    ({ cells: [name = '', standard = '', unit = '', accepts = '', description = ''] }) => ({
      name: plain(name),
      default: standard === ABSENT ? undefined : plain(standard),
      unit: unit === ABSENT ? undefined : unit,
      accepts,
      description,
    }),
  );

  it('lists every setting, and no other, with default, unit and description', () => {
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    const expected = Object.entries(settings).map(([name, entry]) => {
      const {
        default: standard,
        unit,
        description,
      } = entry as { default?: string; unit?: string } & typeof entry;
      return { name, default: standard, unit, description };
    });
    expect(listed.map(({ accepts: _accepts, ...row }) => row).toSorted(byName)).toEqual(
      expected.toSorted(byName),
    );
  });

  it.each(listed.filter(({ accepts }) => /^[\d,]+ to [\d,]+$/.test(accepts)))(
    '$name accepts $accepts and nothing beyond',
    ({ name, accepts }) => {
      const [min = 0, max = 0] = accepts.split(' to ').map(toNumber);
      const tried = [min, max, min - 1, max + 1].map((value) => isAccepted(name, String(value)));
      expect(tried).toEqual([true, true, false, false]);
    },
  );

  it.each(listed.filter(({ accepts }) => /^`[^`]+`( `[^`]+`)+$/.test(accepts)))(
    '$name accepts $accepts',
    ({ name, accepts }) => {
      const values = accepts.split(' ').map(plain);
      expect(values.filter((value) => !isAccepted(name, value))).toEqual([]);
      expect(isAccepted(name, 'anything')).toBe(false);
    },
  );

  it('says a range or a choice wherever there is one', () => {
    const vague = listed.filter(({ accepts }) => !/\d to \d|`/.test(accepts)).map(({ name }) => name);
    expect(
      vague.filter((name) => !isAccepted(name, 'postgres://x') && !isAccepted(name, 'redis://x')),
    ).toEqual(['SALLYPORT_ACCOUNT']);
  });
});

const isAccepted = (name: string, value: string): boolean =>
  settings[name as SettingName].schema.safeParse(value).success;
