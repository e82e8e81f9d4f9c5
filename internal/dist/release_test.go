package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestVersionFromDescription(t *testing.T) {
	for _, tc := range []struct{ described, count, want string }{
		{"v1.2.3-0-g0123456789ab", "", "1.2.3"},
		{"v1.2.3-5-g0123456789ab", "", "1.2.3+5.g0123456789ab"},
		{"v1.2.3-0-g0123456789ab-dirty", "", "1.2.3+dirty"},
		{"v1.2.3-5-g0123456789ab-dirty", "", "1.2.3+5.g0123456789ab.dirty"},
		{"v1.2.0-rc.1-0-g0123456789ab", "", "1.2.0-rc.1"},
		{"v1.2.0-rc.1-7-g0123456789ab", "", "1.2.0-rc.1+7.g0123456789ab"},
		{"0123456789ab", "81", "0.0.0+81.g0123456789ab"},
		{"0123456789ab-dirty", "81", "0.0.0+81.g0123456789ab.dirty"},
	} {
		got := fromDescription(tc.described, tc.count)
		if got != tc.want || !semantic.MatchString(got) {
			t.Errorf("%s: got %q, want %q", tc.described, got, tc.want)
		}
	}
}

// The name of a release comes from a real repository, and from the caller where there is
// none.
func TestNaming(t *testing.T) {
	repo := t.TempDir()
	commit := func(subject string) string {
		t.Helper()
		cmd := exec.Command("git", "-C", repo, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "--allow-empty", "-m", subject)
		cmd.Env = append(cmd.Environ(), "GIT_COMMITTER_DATE=1800000000 +0900", "GIT_AUTHOR_DATE=1700000000 +0000")
		if _, err := output(cmd); err != nil {
			t.Fatal(err)
		}
		id, err := git(repo, "rev-parse", "HEAD")
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	name := func(n naming) release {
		t.Helper()
		r, err := newRelease(repo, n)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if _, err := git(repo, "init", "-q"); err != nil {
		t.Fatal(err)
	}
	first := commit("first")
	if got, want := name(naming{}).version, "0.0.0+1.g"+first[:12]; got != want {
		t.Errorf("before the first tag: got %q, want %q", got, want)
	}
	if _, err := git(repo, "tag", "v1.0.0"); err != nil {
		t.Fatal(err)
	}
	r := name(naming{})
	if r.version != "1.0.0" || r.commit != first || r.time.String() != "2027-01-15 08:00:00 +0000 UTC" {
		t.Errorf("on a tag: got %+v", r)
	}
	second := commit("second")
	if got, want := name(naming{}).version, "1.0.0+1.g"+second[:12]; got != want {
		t.Errorf("after a tag: got %q, want %q", got, want)
	}
	r = name(naming{"v2.0.0-rc.1", "abc", "7"})
	if r.version != "2.0.0-rc.1" || r.commit != "abc" || r.time.Unix() != 7 {
		t.Errorf("named by the caller: got %+v", r)
	}

	nowhere := t.TempDir()
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(nowhere))
	for _, tc := range []struct {
		named naming
		want  string
	}{
		{naming{}, "name the version"},
		{naming{"1.0.0", "", ""}, "name the commit"},
		{naming{"1.0.0", "abc", ""}, "name the commit's time"},
		{naming{"1.0", "abc", "7"}, `version cannot be "1.0": want a semantic version`},
		{naming{"1.0.0 -X main.evil=1", "abc", "7"}, "want a semantic version"},
		{naming{"1.0.0", "abc", "today"}, `time cannot be "today"`},
	} {
		_, err := newRelease(nowhere, tc.named)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: got %v, want %q", tc.named, err, tc.want)
		}
	}
}
