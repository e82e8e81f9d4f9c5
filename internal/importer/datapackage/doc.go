// Package datapackage reads the package that Discord sends to those who ask for their
// data: a folder or a .zip with one folder for each channel in which somebody wrote, all
// of whose messages are theirs.
//
// Messages are in a JSON or, in packages of before 2024, in a CSV file. They have an id,
// a text and the addresses of attachments; their time is that of the id. A channel that
// tells no guild is one that could not be looked up any more, or one of direct messages.
// Folder names are translated into the language of the account, so that folders are known
// by what is in them.
package datapackage
