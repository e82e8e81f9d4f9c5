package corpus

import "fmt"

// PackageID is the id of the n-th message of a package made by Package.
func PackageID(n int) uint64 { return 747951969171144711 + uint64(n)*(1000<<22) }

// Package is a data package as file names and texts. Old ones have CSV and channel types
// as numbers; a translated one has other names for its folders.
func Package(old, translated bool) map[string]string {
	messages, account, prefix := "Messages/", "Account/", "c"
	if old {
		messages, account, prefix = "messages/", "account/", ""
	}
	if translated {
		messages, account = "Mensajes/", "Cuenta/"
	}
	kind := func(number int, name string) string {
		if old {
			return fmt.Sprint(number)
		}
		return `"` + name + `"`
	}
	files := map[string]string{
		"README.txt":                  "This is your data.",
		"Servidores/index.json":       `{"910101010101010101":"Harbour Town"}`,
		"Activity/reporting/a.json":   `{"event_type":"x"}` + "\n" + `{"event_type":"y"}`,
		account + "user.json":         `{"id": "300000000000000001", "username": "mara", "discriminator": "0042", "email": "m@example.invalid"}`,
		messages + "index.json":       `{"700000000000000001": "general in Harbour Town", "700000000000000555": "Direct Message with otto#0001", "700000000000000009": null}`,
		messages + "c0/ignored.json":  `{}`,
		account + "avatar.png":        "\x89PNG",
		messages + "other/readme.txt": "",
	}
	if !old {
		files[account+"user.json"] = `{"id": "300000000000000001", "username": "mara", "global_name": "Mara Quill", "discriminator": 0}`
	}
	channel := func(id, about string, from, n int) {
		folder := messages + prefix + id + "/"
		files[folder+"channel.json"] = `{"id": "` + id + `", ` + about + `}`
		if n < 0 {
			return
		}
		if old {
			text := "ID,Timestamp,Contents,Attachments\r\n"
			for i := n - 1; i >= 0; i-- {
				text += fmt.Sprintf("%d,2020-08-25 22:54:05.726000+00:00,%s,%s\r\n", PackageID(from+i), []string{`=SUM(1)`, "\"commas, \"\"quotes\"\"\r\nand a second line\""}[i%2], []string{"https://cdn.example.invalid/a.png https://cdn.example.invalid/b.png", ""}[i%2])
			}
			files[folder+"messages.csv"] = text
			return
		}
		text := "["
		for i := n - 1; i >= 0; i-- {
			text += fmt.Sprintf(`{"ID": %d, "Timestamp": "2020-08-25 22:54:05", "Contents": %s, "Attachments": "%s"}`, PackageID(from+i), []string{`"=SUM(1)"`, `"commas, \"quotes\"\r\nand a second line"`}[i%2], []string{"https://cdn.example.invalid/a.png https://cdn.example.invalid/b.png", ""}[i%2])
			if i > 0 {
				text += ", "
			}
		}
		files[folder+"messages.json"] = text + "]"
	}
	const town = `"guild": {"id": "910101010101010101", "name": "Harbour Town"}`
	channel("700000000000000001", `"type": `+kind(0, "GUILD_TEXT")+`, "name": "general", `+town, 0, 2)
	channel("700000000000000007", `"type": `+kind(11, "PUBLIC_THREAD")+`, "name": "boats", `+town, 2, 1)
	channel("700000000000000008", `"type": `+kind(0, "GUILD_TEXT")+`, "name": "empty", `+town, 0, -1)
	channel("700000000000000009", `"type": `+kind(0, "GUILD_TEXT"), 4, 1)
	channel("700000000000000555", `"type": `+kind(1, "DM")+`, "recipients": ["300000000000000001", "300000000000000002"]`, 6, 1)
	channel("700000000000000556", `"type": `+kind(3, "GROUP_DM")+`, "name": "us", "recipients": []`, 8, 2)
	return files
}
