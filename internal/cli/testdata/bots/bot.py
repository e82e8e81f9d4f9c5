
# What of a bot is not in docs/for-bots.md: it connects to the simulated Discord, and tells
# whom it hears until there is something to tell.
import yarl

discord.http.Route.BASE = os.environ["DISCORD"] + "/api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["GATEWAY"])
intents = discord.Intents.default()
intents.message_content = True
client = discord.Client(intents=intents)

@client.event
async def on_ready():
    print("READY", flush=True)

@client.event
async def on_message(message):
    if text := await about(message):
        print(text, flush=True)
        await client.close()

client.run(os.environ["DISCORD_TOKEN"], log_handler=None)
