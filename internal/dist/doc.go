// Dist makes what a release consists of:
//
//	rollcall-VERSION-OS-ARCH[.exe]    a static binary for each platform
//	rollcall-VERSION-OS-ARCH.cdx.json which modules it is made of, as a CycloneDX SBOM
//	rollcall-VERSION-licences.txt     their licences, and ours
//	rollcall_VERSION-1_ARCH.deb       the Debian package of each Linux binary
//	SHA256SUMS                        of all of them
//
// The same commit, built by the same release of Go, gives the same bytes wherever it is
// built: nothing in them comes from the folder, the clock, the user or the machine. The
// time of every file in a package is that of the commit.
//
// It is a module of its own, so that what only the manual's generator needs is not in the
// program's go.mod. The tools that make packages and SBOMs are pinned in tools.go and are
// not in this module either.
package main
