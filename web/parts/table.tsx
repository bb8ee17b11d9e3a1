import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  label: string;
  /** Of the cell; on a narrow screen it stands after its label. */
  cell: (row: Row) => ComponentChildren;
  isEnd?: boolean;
  /** A column of buttons has no head to be seen. */
  isUnnamed?: boolean;
}

export interface TableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  /** Undefined while they are read: as many lines stand in their place. */
  rows: readonly Row[] | undefined;
  keyOf: (row: Row) => string;
  /** Keys of rows that are there no more, and keep their place until one looks again. */
  gone?: ReadonlySet<string> | undefined;
  skeletonRows?: number | undefined;
}

export function Table<Row>({ label, columns, rows, keyOf, gone, skeletonRows = 6 }: TableProps<Row>) {
  return (
    <div class="table-frame folds">
      <table role="table" aria-label={label} aria-busy={rows === undefined}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th
                key={column.label}
                role="columnheader"
                class={column.isEnd === true ? 'end' : ''}
                scope="col"
              >
                <span class={column.isUnnamed === true ? 'unseen' : ''}>{column.label}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows === undefined
            ? Array.from({ length: skeletonRows }, (_, at) => <Waiting key={at} columns={columns} at={at} />)
            : rows.map((row) => (
                <tr key={keyOf(row)} role="row" class={gone?.has(keyOf(row)) === true ? 'gone' : ''}>
                  {columns.map((column) => (
                    <td
                      key={column.label}
                      role="cell"
                      class={column.isEnd === true ? 'end' : ''}
                      data-label={column.isUnnamed === true ? undefined : column.label}
                    >
                      {column.cell(row)}
                    </td>
                  ))}
                </tr>
              ))}
        </tbody>
      </table>
    </div>
  );
}

const WIDTHS = ['w-60', 'w-40', 'w-80', 'w-50'];

const Waiting = <Row,>({ columns, at }: { columns: readonly Column<Row>[]; at: number }) => (
  <tr role="row" aria-hidden="true">
    {columns.map((column, place) => (
      <td key={column.label} role="cell">
        <span class={`skeleton ${WIDTHS[(at + place) % WIDTHS.length] ?? ''}`} />
      </td>
    ))}
  </tr>
);
