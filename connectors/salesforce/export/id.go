package export

import (
	"fmt"
	"strings"
)

// ParseID reads a record id and returns its 18-character form. Ids have 15
// characters that differ by case alone, or 18 with a checksum of the case; both
// are accepted. Surrounding space is ignored. An id whose checksum does not fit
// is refused: some program on its way has changed the case of letters, and the
// 15 characters before may name another record.
func ParseID(s string) (string, error) {
	id := strings.TrimSpace(s)
	if id == "" {
		return "", fmt.Errorf("empty id")
	}
	if len(id) != 15 && len(id) != 18 {
		return "", fmt.Errorf("bad id %q: want 15 or 18 letters and digits", clip(id))
	}
	for i := range len(id) {
		c := id[i]
		if !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z') {
			return "", fmt.Errorf("bad id %q: want 15 or 18 letters and digits", clip(id))
		}
	}
	sum := idChecksum(id)
	if len(id) == 15 {
		return id + string(sum[:]), nil
	}
	if got := id[15:]; got != string(sum[:]) {
		return "", fmt.Errorf("bad id %q: its checksum is %s where %s is expected", id, got, sum[:])
	}
	return id, nil
}

// idChecksum computes the last three characters. Each stands for five
// characters of the id: bit j is set when character j is a capital.
// https://help.salesforce.com: "What are Salesforce ID's composed of?"
func idChecksum(id string) (sum [3]byte) {
	for group := range sum {
		var bits int
		for j := range 5 {
			if c := id[5*group+j]; 'A' <= c && c <= 'Z' {
				bits |= 1 << j
			}
		}
		sum[group] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
	}
	return sum
}

// KeyPrefix returns the first three characters of an id, which name its object:
// 001 Account, 003 Contact, 006 Opportunity, 500 Case, 00Q Lead, 005 User. It
// is "" for a string that is too short.
func KeyPrefix(id string) string {
	if len(id) < 3 {
		return ""
	}
	return id[:3]
}
