
// What of a bot is not in docs/for-bots.md: it connects to the simulated Discord, and tells
// whom it hears until there is something to tell.
const { Client, Events, GatewayIntentBits } = require("discord.js");
const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.DirectMessages, GatewayIntentBits.MessageContent],
  rest: { api: process.env.DISCORD + "/api" },
});
client.on(Events.ClientReady, () => console.log("READY"));
client.on(Events.MessageCreate, async (message) => {
  const text = await about(message);
  if (text) {
    console.log(text);
    await client.destroy();
  }
});
client.login(process.env.DISCORD_TOKEN);
