/** A file of SQL: its path from the root, and its text. */
export type MigrationFile = { path: string; text: string }

/**
 * Written before there was a rule, each with what makes it break it. A new file has no place here: what it wants to do takes two
 * releases (docs/operations.md, "A new version").
 */
export const BEFORE_THE_RULE: Readonly<Record<string, string>> = {
  'drizzle/consolidado/migrations/0002_isolamento.sql': 'row-level security on a table that services used',
  'drizzle/entregas/migrations/0003_isolamento.sql': 'row-level security on tables that services used',
  'drizzle/entregas/migrations/0004_vagas.sql':
    'fills a column, and makes a unique index on a table that services used',
  'drizzle/lancamentos/migrations/0001_isolamento.sql': 'row-level security on a table that services used',
}

/** The statements of a file, in small letters, with single spaces and without quotes of names; a body between `$$` is in one piece. */
const statementsOf = ({ text }: MigrationFile): string[] =>
  text
    .replaceAll(/--[^\n]*/g, (comment) => (comment.startsWith('--> statement-breakpoint') ? ';' : ''))
    .replaceAll(/\$\$[\s\S]*?\$\$/g, (body) => body.replaceAll(';', ' '))
    .split(';')
    .map((statement) => statement.replaceAll(/\s+/g, ' ').replaceAll('"', '').trim().toLowerCase())
    .filter((statement) => statement !== '')

/** A comma outside of parentheses: between the actions of one `alter table`. */
const BETWEEN_ACTIONS = /,(?![^(]*\))/

/** Why an older service may not bear an action on a table that it uses; undefined where it does. */
const wrongWithColumn = (action: string): string | undefined => {
  if (!/^add column /.test(action)) return 'changes a table that services use in another way than by a new column'
  if (/\b(references|unique|primary key|check|generated)\b/.test(action)) return 'adds a column with a constraint'
  const constant = /\bdefault (?:'[^']*'|-?\d+(?:\.\d+)?|true|false|null)(?=$| )/.test(action)
  if (/\bdefault\b/.test(action) && !constant) return 'adds a column whose default is computed for every row'
  if (/\bnot null\b/.test(action) && !constant) return 'adds a column that older services would have to fill'
  return undefined
}

type Form = {
  form: RegExp
  /** Gives why it is refused, or nothing. `own` says whether a table or function is this file's own. */
  refused?: (match: RegExpExecArray, own: (name: string | undefined) => boolean) => string | undefined
}

const onOwnTable =
  (what: string): NonNullable<Form['refused']> =>
  ([, table], own) =>
    own(table) ? undefined : `${what} a table that services use`

/** Every form of statement that an older service bears beside it. */
const FORMS: readonly Form[] = [
  { form: /^create table / },
  { form: /^create function / },
  { form: /^grant / },
  { form: /^revoke \w+ on function (\w+)/, refused: ([, name], own) => (own(name) ? undefined : 'takes a right away') },
  {
    form: /^do \$\$/,
    refused: ({ input }) =>
      /\b(drop|alter|update|delete|insert|truncate)\b/.test(input) ? 'does more than make and grant roles' : undefined,
  },
  { form: /^insert into (\w+)/, refused: onOwnTable('writes to') },
  { form: /^create trigger \w+ .*? on (\w+) /, refused: onOwnTable('makes a trigger on') },
  { form: /^create policy \w+ on (\w+) /, refused: onOwnTable('makes a policy on') },
  {
    form: /^create (unique )?index (concurrently )?(if not exists )?\w+ on (\w+)/,
    refused: ([, unique, concurrently, prepared, table], own) => {
      // The migrator runs all of a migration in one transaction, where PostgreSQL refuses it.
      if (concurrently !== undefined) return 'makes an index concurrently, which no transaction can'
      if (own(table)) return undefined
      if (unique !== undefined) return 'makes a unique index on a table to which older services write'
      return prepared === undefined ? 'makes an index for which every writer of the table waits' : undefined
    },
  },
  {
    form: /^alter table (\w+) (.*)$/,
    refused: ([, table, actions = ''], own) =>
      own(table)
        ? undefined
        : actions
            .split(BETWEEN_ACTIONS)
            .map((action) => wrongWithColumn(action.trim()))
            .find((wrong) => wrong !== undefined),
  },
]

/** What in a migration an older service may not bear beside it, a sentence each. */
export const complaintsOf = (file: MigrationFile): string[] => {
  const statements = statementsOf(file)
  const made = statements.flatMap(
    (statement) => /^create (?:table|function) (?:if not exists )?(\w+)/.exec(statement)?.[1] ?? [],
  )
  return statements.flatMap((statement) => {
    const start = `"${statement.slice(0, 60)}"`
    for (const { form, refused } of FORMS) {
      const match = form.exec(statement)
      if (match === null) continue
      const why = refused?.(match, (name) => name !== undefined && made.includes(name))
      return why === undefined ? [] : [`${file.path}: ${start} ${why}`]
    }
    return [`${file.path}: ${start} is no form of statement that is known to do no harm`]
  })
}
