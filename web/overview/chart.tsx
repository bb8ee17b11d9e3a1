// Small charts in plain SVG. What they show is in words as well, for whoever does not see them.
import type { ComponentChildren } from 'preact';
import { lastingOf } from '../data/time.js';
import type { Measured, Slot, Spread } from './statistics.js';

const WIDTH = 600;
const HEIGHT = 100;
const ROOM = HEIGHT - 1;

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const timeOf = (at: number): string => clock.format(new Date(at));

interface FrameProps {
  label: string;
  /** What the top of the drawing stands for. */
  most: string;
  slots: readonly { at: number }[];
  children: ComponentChildren;
}

/** The drawing takes the width there is; its times stand below it as text. */
const Frame = ({ label, most, slots, children }: FrameProps) => (
  <figure>
    <p class="chart-most number">{most}</p>
    <svg
      class="chart"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
      preserveAspectRatio="none"
    >
      <line x1="0" x2={WIDTH} y1={ROOM} y2={ROOM} class="axis" />
      {children}
    </svg>
    <figcaption class="chart-times number">
      {[0, 1 / 3, 2 / 3, 1].map((share) => (
        <span key={share}>{timeOf(slots[Math.round(share * (slots.length - 1))]?.at ?? 0)}</span>
      ))}
    </figcaption>
  </figure>
);

export function Throughput({ slots }: { slots: readonly Slot[] }) {
  const most = Math.max(1, ...slots.map(({ succeeded, failed }) => succeeded + failed));
  const step = WIDTH / slots.length;
  const total = slots.reduce((sum, { succeeded, failed }) => sum + succeeded + failed, 0);
  return (
    <Frame
      label={`${total} operations ended in this time, at most ${most} in one slot`}
      most={`Up to ${most} in one bar`}
      slots={slots}
    >
      {slots.map(({ at, succeeded, failed }, place) => {
        const up = (succeeded / most) * (ROOM - 4);
        const down = (failed / most) * (ROOM - 4);
        return (
          <g key={at}>
            <title>{`${timeOf(at)}: ${succeeded} succeeded, ${failed} not`}</title>
            <rect class="good" x={place * step + 1} y={ROOM - up} width={step - 2} height={up} />
            <rect class="bad" x={place * step + 1} y={ROOM - up - down} width={step - 2} height={down} />
          </g>
        );
      })}
    </Frame>
  );
}

export interface SpreadChartProps {
  slots: readonly Spread[];
  /** What the times are of: `From acceptance to the branch`. */
  of: string;
  /** In place of a time where there is none. */
  none: string;
}

export function SpreadChart({ slots, of, none }: SpreadChartProps) {
  const found = slots.flatMap(({ slowest }) => (slowest === null ? [] : [slowest]));
  const top = Math.max(1, ...found);
  const step = WIDTH / slots.length;
  const heightOf = (ms: number): number => ROOM - (ms / top) * (ROOM - 8);
  return (
    <Frame
      label={found.length === 0 ? none : `${of}: at most ${lastingOf(Math.max(...found))}`}
      most={found.length === 0 ? none : `Up to ${lastingOf(Math.max(...found))}`}
      slots={slots}
    >
      {slots.map(({ at, median, slowest }, place) =>
        median === null || slowest === null ? null : (
          <g key={at}>
            <title>{`${timeOf(at)}: half within ${lastingOf(median)}, all within ${lastingOf(slowest)}`}</title>
            <rect
              class="range"
              x={place * step + step * 0.25}
              y={heightOf(slowest)}
              width={step * 0.5}
              height={Math.max(1, ROOM - heightOf(slowest))}
            />
            <rect
              class="median"
              x={place * step + 1}
              y={heightOf(median) - 1}
              width={step - 2}
              height={2.5}
            />
          </g>
        ),
      )}
    </Frame>
  );
}

export interface BarsProps {
  slots: readonly Measured[];
  label: string;
  most: string;
  /** A value in words. */
  say: (value: number) => string;
}

export function Bars({ slots, label, most, say }: BarsProps) {
  return (
    <Frame label={label} most={most} slots={slots}>
      <BarsOf slots={slots} say={say} />
    </Frame>
  );
}

function BarsOf({ slots, say }: Pick<BarsProps, 'slots' | 'say'>) {
  const top = Math.max(1, ...slots.map(({ value }) => value ?? 0));
  const step = WIDTH / slots.length;
  return (
    <>
      {slots.map(({ at, value }, place) => {
        if (value === null) return null;
        const height = (value / top) * (ROOM - 4);
        return (
          <g key={at}>
            <title>{`${timeOf(at)}: ${say(value)}`}</title>
            <rect class="good" x={place * step + 1} y={ROOM - height} width={step - 2} height={height} />
          </g>
        );
      })}
    </>
  );
}

/** A chart as large as a word. */
export const Spark = ({ slots, label, say }: Omit<BarsProps, 'most'>) => (
  <svg
    class="chart spark"
    viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
    role="img"
    aria-label={label}
    preserveAspectRatio="none"
  >
    <line x1="0" x2={WIDTH} y1={ROOM} y2={ROOM} class="axis" />
    <BarsOf slots={slots} say={say} />
  </svg>
);
