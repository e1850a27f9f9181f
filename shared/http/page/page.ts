import { z } from '@hono/zod-openapi'
import { invariant } from '../../errors.ts'
import { limitSchema } from '../../fields.ts'
import { jsonText } from '../json.ts'
import { CursorSchema, createCursor } from './cursor.ts'

/** Items of a page: enough for a screen, at most what a program wants at once. */
const LIMIT_DEFAULT = 50
const LIMIT_MAX = 200

/** The parameters that every list takes beside its filters. */
export const PAGE_PARAMETERS = {
  limite: limitSchema({ max: LIMIT_MAX, standard: LIMIT_DEFAULT }).optional(),
  cursor: CursorSchema,
}

/** The schema of a page, as `component` of the API document. */
export const pageSchema = <Item extends z.ZodType>(
  item: Item,
  component: string,
  { description, example }: { description: string; example: readonly object[] },
) =>
  z
    .object({
      itens: z.array(item),
      proximo: z.string().nullable().openapi({ description: 'O cursor da próxima página; nulo na última.' }),
    })
    .openapi(component, { description, example: { itens: example, proximo: null } })

/** What a list is ordered by, of the last item of a page: the next page begins after it. Neither text has a `|`. */
export type PagePoint = readonly [first: string, second: string]

type PagesOptions<Item> = {
  /** Signs the cursors; the same in every instance, so that any of them can continue a list. */
  cursorSecret: string
  /** The list, so that its cursors do nothing in another. */
  purpose: string
  pointOf: (item: Item) => PagePoint
  json: (item: Item) => string
}

type PageRequest<Item> = {
  query: { limite?: number | undefined; cursor?: string | undefined }
  /** What a cursor is valid for: the merchant and the filters. The limit may change from page to page. */
  scope: string
  /** Reads at most `count` items after `after`. */
  read: (after: PagePoint | undefined, count: number) => Promise<readonly Item[]>
}

/** Answers the pages of a list. One item more than a page holds is read: it says whether another page follows. */
export function createPages<Item>({ cursorSecret, purpose, pointOf, json }: PagesOptions<Item>) {
  const cursors = createCursor({ secret: cursorSecret, purpose })
  return async ({ query, scope, read }: PageRequest<Item>): Promise<Response> => {
    const { limite: limit = LIMIT_DEFAULT, cursor } = query
    const after = cursor === undefined ? undefined : readPoint(cursors.read(cursor, scope))
    const rows = await read(after, limit + 1)
    const items = rows.slice(0, limit)
    const last = rows.length > limit ? items.at(-1) : undefined
    const next = last === undefined ? 'null' : `"${cursors.write(pointOf(last).join('|'), scope)}"`
    return jsonText(`{"itens":[${items.map((item) => json(item)).join(',')}],"proximo":${next}}`)
  }
}

const readPoint = (text: string): PagePoint => {
  const [first, second] = text.split('|')
  invariant(first !== undefined && second !== undefined, 'a signed cursor holds a point')
  return [first, second]
}
