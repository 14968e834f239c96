// Package servers starts the real servers that tests talk to: PostgreSQL,
// MinIO, versitygw and Vault, each private, on loopback or a socket, and gone
// when the test binary is gone, however it went.
//
//	dsn := servers.Postgres(t)       // a fresh database, dropped at the end
//
// What is not on the machine makes the test skip and say what to install;
// with CI=true it makes it fail (see Need).
package servers
