package salesforcetest

// Key prefixes: the first three characters of an id name its object.
const (
	accountPrefix     = "001"
	userPrefix        = "005"
	contactPrefix     = "003"
	opportunityPrefix = "006"
	organizationKey   = "00D"
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// ID returns the 18-character id of record n, counted from 0, of the object
// with that key prefix ("001" for Account, "003" Contact, "006" Opportunity).
// Links in a generated export use the same numbers.
func ID(prefix string, n int) string {
	return string(appendID(nil, prefix, n))
}

func appendID(b []byte, prefix string, n int) []byte {
	start := len(b)
	b = append(b, prefix...)
	b = append(b, "bm0"...)
	// Spread over the alphabet, so that ids differ in case and not only in digits.
	v := uint64(n)*7919 + 4_832_117_906_513
	var digits [9]byte
	for i := 8; i >= 0; i-- {
		digits[i] = base62[v%62]
		v /= 62
	}
	b = append(b, digits[:]...)
	return appendChecksum(b, b[start:])
}

// appendChecksum adds the three characters that make a 15-character id safe
// where case is lost: for each group of five, one bit per capital letter.
func appendChecksum(b, id []byte) []byte {
	for group := range 3 {
		bits := 0
		for i := range 5 {
			if c := id[group*5+i]; c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		b = append(b, "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits])
	}
	return b
}
