// What is checked of a transfer before it is queued: what the other side of the benchmark checks, too.

const LETTER_OFFSET = 55;
const AMOUNT_MAX = 999_999_999_999_999;
const EXPONENTS = { EUR: 2, USD: 2, GBP: 2, CHF: 2, JPY: 0, CZK: 2 };

function isIban(text) {
  if (typeof text !== 'string' || !/^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$/.test(text)) return false;
  let remainder = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt((i + 4) % text.length);
    remainder = code < 58 ? (remainder * 10 + code - 48) % 97 : (remainder * 100 + code - LETTER_OFFSET) % 97;
  }
  return remainder === 1;
}

function minorOf(text, exponent) {
  const parts = /^([0-9]{1,15})(?:\.([0-9]+))?$/.exec(text);
  if (!parts) return null;
  const fraction = (parts[2] ?? '').padEnd(exponent, '0');
  if (fraction.length > exponent) return null;
  return Number(parts[1] + fraction);
}

// A transfer as a row for the queue, or the reason why it is none.
export function resolve(raw, received) {
  if (typeof raw.id !== 'string' || raw.id.length < 1 || raw.id.length > 140) return 'id: 1 to 140 bytes';
  const exponent = EXPONENTS[raw.currency];
  if (exponent === undefined) return 'currency: not known';
  const minor = minorOf(raw.amount, exponent);
  if (minor === null || minor < 1 || minor > AMOUNT_MAX) return 'amount: not one';
  if (!isIban(raw.debtor)) return 'debtor: not an IBAN';
  if (!isIban(raw.creditor)) return 'creditor: not an IBAN';
  if (raw.debtor === raw.creditor) return 'an account would pay itself';
  return [raw.key ?? raw.id, raw.id, raw.kind ?? 'transfer', raw.debtor, raw.creditor, minor, raw.currency,
    raw.requested ?? received, raw.reference ?? null];
}

// A batch of rows as columns, which is how PostgreSQL takes many rows in one prepared statement.
export function columns(rows) {
  return rows[0].map((_, column) => rows.map((row) => row[column]));
}
