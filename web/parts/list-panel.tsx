// A list as most screens have one: what is wrong, the table or what to do where it is empty, and more on asking.
import type { ComponentChildren } from 'preact';
import type { Pages } from '../data/pages.js';
import { Button } from './button.js';
import { News } from './news.js';
import { Panel } from './panel.js';
import { ProblemBox } from './problem.js';
import { type Column, Table } from './table.js';

export interface ListPanelProps<Row> {
  label: string;
  pages: Pick<Pages<Row>, 'rows' | 'error'> & Partial<Pages<Row>>;
  columns: readonly Column<Row>[];
  /** What `usePages` was told, if that is where they come from. */
  keyOf?: (row: Row) => string;
  /** In place of a table without a row. */
  empty: ComponentChildren;
  title?: string;
  ends?: ComponentChildren;
  skeletonRows?: number;
}

export function ListPanel<Row>({ label, pages, columns, empty, ...rest }: ListPanelProps<Row>) {
  const { rows, error, isMore = false, isBusy = false, more, held, update } = pages;
  const keyOf = rest.keyOf ?? pages.keyOf ?? String;
  const { title, ends, skeletonRows } = rest;
  const footer =
    isMore && more !== undefined ? (
      <Button look="tiny" isBusy={isBusy} onPress={more}>
        Show more
      </Button>
    ) : undefined;
  return (
    <>
      <ProblemBox error={error} />
      {(rows !== undefined || error === undefined) && (
        <Panel
          isFlush
          news={held !== undefined && update !== undefined && <News held={held} onShow={update} />}
          {...(title === undefined ? {} : { title })}
          {...(ends === undefined ? {} : { ends })}
          {...(footer === undefined ? {} : { footer })}
        >
          {rows?.length === 0 ? (
            empty
          ) : (
            <Table
              label={label}
              columns={columns}
              rows={rows}
              keyOf={keyOf}
              gone={held?.gone}
              {...(skeletonRows === undefined ? {} : { skeletonRows })}
            />
          )}
        </Panel>
      )}
    </>
  );
}
