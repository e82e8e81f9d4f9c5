// Shared by the findings about chat-analytics: a small export, and a count of what the tool takes in from exports.
const analytics = require('chat-analytics');
const { loadNodeAsset } = require('./node_modules/chat-analytics/dist/lib/NodeEnv.js');
const { Progress } = require('./node_modules/chat-analytics/dist/pipeline/Progress.js');

// An export of DiscordChatExporter: two people, two messages each.
const author = (id, name) => ({ id, name, discriminator: '0000', nickname: name, color: null, isBot: false, roles: [], avatarUrl: '' });
const message = (id, second, content, by) => ({
  id, type: 'Default', timestamp: `2026-09-10T10:00:0${second}+00:00`, timestampEdited: null, callEndedTimestamp: null,
  isPinned: false, content, author: by, attachments: [], embeds: [], stickers: [], reactions: [], mentions: [], inlineEmojis: [],
});
const mara = author('300000000000000001', 'mara'), otto = author('300000000000000002', 'otto');
const full = {
  guild: { id: '910101010101010101', name: 'Harbour', iconUrl: '' },
  channel: { id: '700000000000000001', type: 'GuildTextChat', categoryId: '1', category: 'Text', name: 'general', topic: null },
  dateRange: { after: null, before: null }, exportedAt: '2026-09-11T00:00:00+00:00',
  messages: [
    message('1547547181076971520', 0, 'one', mara), message('1547547185271275520', 1, 'two', otto),
    message('1547547189465579520', 2, 'three', otto), message('1547547193659883520', 3, 'four', mara),
  ],
  messageCount: 4,
};

// Counts the messages that the tool takes in from exports, in the order given.
const count = async (label, ...exports) => {
  const files = exports.map((e, i) => {
    const b = Buffer.from(JSON.stringify({ ...e, messageCount: e.messages.length }, null, 2));
    const slice = async (from = 0, to = b.length) => new Uint8Array(b.subarray(from, to)).buffer;
    return { name: `${i}.json`, size: b.length, lastModified: 0, slice };
  });
  const { log, warn } = console;
  console.log = console.warn = () => {};
  let line;
  try {
    const db = await analytics.generateDatabase(files, { platform: 'discord', demo: false }, { loadAsset: loadNodeAsset, progress: new Progress() });
    line = `${label}: ${db.numMessages} messages`;
  } catch (e) {
    line = `${label}: error: ${e.message.split('\n').pop()}`;
  }
  Object.assign(console, { log, warn });
  console.log(line);
};
module.exports = { full, count };
