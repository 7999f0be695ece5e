package blob

import "context"

// DeletePrefix removes all objects below a prefix and returns how many there were.
// The prefix must not be empty.
func DeletePrefix(ctx context.Context, s Store, prefix string) (n int, err error) {
	if err := CheckKey(prefix[:max(0, len(prefix)-1)]); err != nil {
		return 0, err
	}
	const many = 500
	var keys []string
	flush := func() error {
		if err := s.Delete(ctx, keys...); err != nil {
			return err
		}
		n, keys = n+len(keys), keys[:0]
		return nil
	}
	for info, err := range s.List(ctx, prefix, "") {
		if err != nil {
			return n, err
		}
		if keys = append(keys, info.Key); len(keys) == many {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
	return n, flush()
}
