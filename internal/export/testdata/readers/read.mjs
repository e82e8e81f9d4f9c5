// Prints, as JSON, what DuckDB and hyparquet read of an export into Parquet, and what
// chat-analytics counts in one of DiscordChatExporter's form.
//
//	node read.mjs PARQUET DCE
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

const [parquet, dce] = process.argv.slice(2);
const columns = ['guild_id', 'user_id', 'channel_id', 'channel_name', 'message_id', 'timestamp', 'message_content', 'source', 'reply_to_message_id',
  'reply_to_user_id', 'attachments', 'edited_at', 'redacted', 'forwarded_content', 'forwarded_attachments', 'poll_question', 'poll_answers', 'stickers'];
const times = ['timestamp', 'edited_at'];
const plain = (v) => (Array.isArray(v) ? v.map(plain) : v === undefined || v === null ? null : String(v));

const duckdb = async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const read = async (query) => (await connection.runAndReadAll(query)).getRowsJson();
  const wanted = columns.map((c) => (times.includes(c) ? `epoch_us(${c})` : c)).join(', ');
  return {
    rows: (await read(`SELECT ${wanted} FROM '${parquet}/messages/*/*.parquet' ORDER BY guild_id, filename, file_row_number`)).map((r) => r.map(plain)),
    types: Object.fromEntries(await read(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '${parquet}/messages/*/*.parquet')`)),
    users: (await read(`SELECT guild_id, user_id, user_name, messages, epoch_us(first_message_at), epoch_us(last_message_at) FROM '${parquet}/users.parquet'`)).map((r) => r.map(plain)),
    activity: (await read(`SELECT guild_id, user_id, date, messages FROM '${parquet}/activity.parquet'`)).map((r) => r.map(plain)),
  };
};

const hyparquet = async () => {
  const parsers = { timestampFromMicroseconds: (micros) => micros };
  const rows = [];
  for (const guild of readdirSync(join(parquet, 'messages')).sort()) {
    for (const name of readdirSync(join(parquet, 'messages', guild)).sort()) {
      const b = readFileSync(join(parquet, 'messages', guild, name));
      const file = b.buffer.slice(b.byteOffset, b.byteOffset + b.length);
      for (const row of await parquetReadObjects({ file, compressors, parsers })) {
        rows.push(columns.map((c) => plain(row[c])));
      }
    }
  }
  return rows;
};

// The tool takes one platform's files in any number; each guild is counted by itself.
const analytics = async () => {
  const require = createRequire(import.meta.url);
  const tool = require('chat-analytics');
  const { loadNodeAsset } = require('./node_modules/chat-analytics/dist/lib/NodeEnv.js');
  const { Progress } = require('./node_modules/chat-analytics/dist/pipeline/Progress.js');
  const files = readdirSync(dce).sort().map((name) => {
    const b = readFileSync(join(dce, name));
    return { name, size: b.length, lastModified: 0, slice: async (from = 0, to = b.length) => new Uint8Array(b.subarray(from, to)).buffer };
  });
  const { log, warn } = console;
  console.log = console.warn = () => {};
  try {
    const db = await tool.generateDatabase(files, { platform: 'discord', demo: false }, { loadAsset: loadNodeAsset, progress: new Progress() });
    return {
      messages: db.numMessages,
      channels: Object.fromEntries(db.channels.map((c) => [`${db.guilds[c.guildIndex].name} / ${c.name}`, c.msgCount])),
      authors: db.authors.map((a) => a.n).sort(),
    };
  } finally {
    Object.assign(console, { log, warn });
  }
};

console.log(JSON.stringify({ duckdb: await duckdb(), hyparquet: await hyparquet(), analytics: await analytics() }));
