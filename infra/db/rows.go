package db

// A Row is one row of an answer, whether it came alone or as the current one of several.
type Row interface{ Scan(...any) error }

// Many reads all rows of a query, each with scan.
func Many[T any](tx *Tx, scan func(Row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
