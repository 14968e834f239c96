// Package servers starts the real servers that tests talk to: PostgreSQL,
// MinIO, versitygw and Vault, each private, on loopback or a socket, and gone
// when the test binary is gone, however it went. Tests alone import it.
//
//	dsn := servers.Postgres(t)         // a fresh database, dropped at the end
//	s := servers.MinIO(t)              // s.Endpoint, s.AccessKey, s.SecretKey
//	s := servers.Versity(t)            // another server that speaks S3
//	v := servers.Vault(t)              // v.Address, v.RootToken; v.Seal, v.Unseal
//	browser := servers.Chromium(t)     // its path; servers.ChromiumFlags
//	script := servers.Axe(t)           // axe-core, to check a page with
//
// Postgres, MinIO and Versity are one server for a test binary. A test that
// wants to see what happens without one takes its own, OwnPostgres, OwnMinIO,
// OwnVersity (every Vault is the test's own), and calls Stop and Start, after
// which it is back at the same address with the same data. A program that is
// no test calls StartPostgres, StartMinIO, StartVersity or StartVault.
//
// PostgreSQL and Chromium come from the distribution; make servers builds the
// others, each from a Go module of its own in the folder of that name, so
// that neither their code nor their dependencies enter the product's; make
// axe fetches axe-core. What is not on the machine makes the test skip and
// say what to install; with CI=true it makes it fail (see Need).
package servers
