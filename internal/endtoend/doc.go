// Package endtoend holds nothing but tests. They run the program as its users do, as a
// process with a database, logs and signals, beside a simulated Discord in the process
// of the test, and compare what it has kept with an independent account of what there
// was to keep.
//
//	simulator ──── gateway, history ───▶ rollcall ───▶ export, state, check
//	    │                                   ▲                    │
//	    ├── the other bot ─── log files ────┘                    ▼
//	    └───────────┴──────── what was said, what was logged ── model
//
// A house is the place where the program runs, a world what happens in Discord and in
// the logs. Processes are killed, disks are filled and connections are broken; at the
// end of each test the model and the export must be equal.
//
// These tests are off unless asked for, since they take long:
//
//	go test ./internal/endtoend -run Kill -rounds 50
//	go test ./internal/endtoend -run Soak -soak 1h -timeout 2h
package endtoend
