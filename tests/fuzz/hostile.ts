/** Texts that have broken other servers, by what they try. Each is tried in every field, parameter and header that takes a text. */
export const HOSTILE_TEXTS = {
  sql: [
    "' OR '1'='1",
    "'; DROP TABLE lancamentos; --",
    '" UNION SELECT * FROM pg_shadow --',
    '1; select pg_sleep(10)',
    "\\'; --",
    '$1',
    '$'.concat('{7*7}'),
    '%s%s%n',
    '{{constructor}}',
  ],
  crlf: [
    'a\r\nSet-Cookie: x=1',
    'a\r\n\r\nHTTP/1.1 200 OK',
    '\n',
    '\r',
    'a\u2028b',
    'a\u0085b',
    '%0d%0aX-Injected: 1',
    '\r\nX-Injected: 1\r\n',
  ],
  nul: ['\0', 'a\0b', '%00', 'loja-1\0', '\u0001\u0002\u001f', '\u007f', '\ufeff', '\uffff'],
  unicode: [
    'Lоja-1',
    '１５０．５０',
    '２０２５-１０-１５',
    'ＣＲＥＤＩＴＯ',
    'CRÉDITO',
    '\u202e05.051',
    '\ud800',
    '\udfff\ud800',
    'e\u0301'.repeat(50),
    'Z\u0351\u036b\u0343'.repeat(30),
    '👩‍👩‍👧‍👦'.repeat(20),
    'ı',
    'ﬁ',
    '\u200b\u200d',
  ],
  proto: ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__', 'valueOf', 'then'],
  path: ['../../../etc/passwd', '..%2f..%2fmetrics', '//', '.', '..', 'file:///etc/passwd', 'C:\\', '~', '*', '?', '#'],
  html: ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '&lt;', ']]>', '<!--', 'javascript:alert(1)'],
  long: ['x'.repeat(256), 'x'.repeat(5_000), 'ç'.repeat(300), ' '.repeat(300), '9'.repeat(400)],
} as const satisfies Record<string, readonly [string, ...string[]]>

/** Numbers, as JSON source: parsed by a double most are another number, or none. */
export const HOSTILE_NUMBERS = [
  '0',
  '-0',
  '-1',
  '0.001',
  '0.1e1',
  '1e2',
  '1E400',
  '-1e400',
  '9999999999999.99',
  '10000000000000.00',
  '9007199254740993',
  '0.30000000000000001',
  '1.005',
  '1.0000000000000000000000000001',
  '1'.padEnd(400, '0'),
  '1e-400',
  '00',
  '1.',
  '.5',
  '+1',
  '0x10',
  'NaN',
  'Infinity',
  '1_000',
  '"1,50"',
  '"１"',
  '1e999999999',
] as const satisfies readonly [string, ...string[]]

/** Values of a wrong kind, as JSON source. */
export const HOSTILE_VALUES = [
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '[[]]',
  '{"valor":1}',
  '{"__proto__":{"a":1}}',
  '[1,2,3]',
  '{"toString":null}',
] as const satisfies readonly [string, ...string[]]

const DEPTH = 20_000

/** Bodies that are no good JSON, or too much of it. */
export const JSON_BOMBS: readonly [() => Buffer, ...(() => Buffer)[]] = [
  () => Buffer.from('['.repeat(DEPTH) + ']'.repeat(DEPTH)),
  () => Buffer.from(`${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`),
  () => Buffer.from('['.repeat(DEPTH)),
  () => Buffer.from(`{${Array.from({ length: 5_000 }, (_, i) => `"k${i}":1`).join(',')}}`),
  () => Buffer.from(`{"valor":1,${'"valor":1,'.repeat(2_000)}"valor":2}`),
  () => Buffer.from(`[${'{},'.repeat(10_001)}{}]`),
  () => Buffer.from(`"${'\\u0041'.repeat(9_000)}"`),
  () => Buffer.from(`{"descricao":"${'x'.repeat(70_000)}"}`),
  () => Buffer.from(`{"a":"${'\\'.repeat(999)}`),
  () => Buffer.from('\ufeff{}'),
  () => Buffer.from(''),
  () => Buffer.from('   '),
  () => Buffer.from("{'a':1}"),
  () => Buffer.from('{"a":1,}'),
  () => Buffer.from('{"a":1}{"a":1}'),
  () => Buffer.from('undefined'),
  () => Buffer.from('// a\n{}'),
]

/** Byte sequences that are no UTF-8. */
export const INVALID_UTF8: readonly [Buffer, ...Buffer[]] = [
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xc0, 0xaf]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf5, 0x80, 0x80, 0x80]),
  Buffer.from([0xe2, 0x82]),
  Buffer.from([0x80]),
]
