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

export function ListPanel<Row>(props: ListPanelProps<Row>) {
  const { pages, empty, title, ends } = props;
  const { rows, error } = pages;
  return (
    <>
      <ProblemBox error={error} />
      {(rows !== undefined || error === undefined) && (
        <Panel isFlush title={title} ends={ends} footer={footerOf(pages)} news={newsOf(pages)}>
          {rows?.length === 0 ? empty : <Rows {...props} />}
        </Panel>
      )}
    </>
  );
}

const Rows = <Row,>({ label, pages, columns, keyOf, skeletonRows }: ListPanelProps<Row>) => (
  <Table
    label={label}
    columns={columns}
    rows={pages.rows}
    keyOf={keyOf ?? pages.keyOf ?? String}
    gone={pages.held?.gone}
    skeletonRows={skeletonRows}
  />
);

const footerOf = ({
  isMore,
  isBusy,
  more,
}: Partial<Pick<Pages<unknown>, 'isMore' | 'isBusy' | 'more' | 'held' | 'update'>>): ComponentChildren =>
  isMore === true && more !== undefined ? (
    <Button look="tiny" isBusy={isBusy} onPress={more}>
      Show more
    </Button>
  ) : undefined;

const newsOf = ({
  held,
  update,
}: Partial<Pick<Pages<unknown>, 'isMore' | 'isBusy' | 'more' | 'held' | 'update'>>): ComponentChildren =>
  held !== undefined && update !== undefined ? <News held={held} onShow={update} /> : undefined;
