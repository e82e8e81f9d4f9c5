// Package storetest is what tests with a real database share: a database that is checked
// when the test ends, waiting for a condition, a log that can be searched, and what
// becomes of a test that the machine cannot run.
//
//	db := storetest.New(t, store.Options{})
//	var log storetest.Log
//	go run(db, log.Logger())
//	storetest.Eventually(t, "the message is stored", func() bool { … })
//	if log.Count("level=ERROR") != 0 { … }
//
// Only tests import it.
package storetest
