package licensing

// Every statement of this package that is not a single line beside its only caller.
const (
	selectCollections = `SELECT id, name, title_nl, title_en, placement, created FROM collections`
	insertCollection  = `INSERT INTO collections (id, name, title_nl, title_en, placement, created) VALUES ($1, $2, $3, $4, $5, $6)`

	selectDatasets = `SELECT id, collection, name, state, files, bytes, created FROM datasets`
	insertDataset  = `INSERT INTO datasets (id, collection, name, state, files, bytes, created) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	finishDataset  = `UPDATE datasets SET state = 'imported', files = $1, bytes = $2 WHERE id = $3 AND state = 'importing'`

	datasetsOfAgreement = `SELECT d.id, d.collection, d.name, d.state, d.files, d.bytes, d.created
		FROM datasets d JOIN request_datasets rd ON rd.dataset = d.id JOIN agreements a ON a.request = rd.request
		WHERE a.id = $1 ORDER BY rd.position`

	selectRequests = `SELECT id, number, state, rev, content, salt, digest, until_day, zone, scopes, outcome, editors, recorded, revised,
		decider, decided, decision FROM requests`
	insertRequest = `INSERT INTO requests (number, state, rev, content, salt, digest, until_day, zone, scopes, outcome, editors,
		recorded, revised, decider, decided, decision, id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`
	updateRequest = `UPDATE requests SET number = $1, state = $2, rev = $3, content = $4, salt = $5, digest = $6, until_day = $7,
		zone = $8, scopes = $9, outcome = $10, editors = $11, recorded = $12, revised = $13, decider = $14, decided = $15, decision = $16
		WHERE id = $17 AND rev = $18`

	insertRequestDataset = `INSERT INTO request_datasets (request, dataset, position) VALUES ($1, $2, $3)`
	deleteRequestDataset = `DELETE FROM request_datasets WHERE request = $1`

	selectParties = `SELECT id, request, part, person, digest, salt, name, latin, position, email FROM parties`
	saveParty     = `INSERT INTO parties (id, request, part, person, digest, salt, name, latin, position, email, address)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (request, part) DO UPDATE SET id = excluded.id, person = excluded.person, digest = excluded.digest, salt = excluded.salt,
			name = excluded.name, latin = excluded.latin, position = excluded.position, email = excluded.email, address = excluded.address`

	// parties_aside: who is proposed for a part, and who had it before.
	selectAside = `SELECT id, request, part, person, digest, salt, name, latin, position, email FROM parties_aside`
	insertAside = `INSERT INTO parties_aside (id, request, part, person, digest, salt, name, latin, position, email)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	deleteAside     = `DELETE FROM parties_aside WHERE id = $1`
	insertAuthority = `INSERT INTO authorities (amendment, sha256, pdf, at) VALUES ($1, $2, $3, $4)`
	selectAuthority = `SELECT sha256, pdf FROM authorities WHERE amendment = $1`

	selectContacts = `SELECT id, request, agreement, country, person, added, removed, suspended, digest, salt, name, latin, position,
		email FROM contacts`
	saveContact = `INSERT INTO contacts (id, request, agreement, country, person, added, removed, suspended, digest, salt, name, latin,
			position, email, address, seq)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (id) DO UPDATE SET agreement = excluded.agreement, country = excluded.country, person = excluded.person,
			added = excluded.added, removed = excluded.removed, suspended = excluded.suspended, digest = excluded.digest, salt = excluded.salt,
			name = excluded.name, latin = excluded.latin, position = excluded.position, email = excluded.email, address = excluded.address,
			seq = excluded.seq`
	firstContacts = selectContacts + ` WHERE request = $1
		AND NOT EXISTS (SELECT 1 FROM amendments m WHERE m.agreement = contacts.agreement AND m.contact = contacts.id AND m.type = 'contact-added') ORDER BY seq`
	// Only a contact that nobody ever signed for leaves without a trace.
	deleteContact = `DELETE FROM contacts WHERE id = $1 AND added = 0`

	selectAgreements = `SELECT id, request, number, request_number, state, rev, version, variant, lang, zone, not_before, until_day,
		term_from, term_until, sha256, released, editor, opened, held, durations, proposal, stop, concern, known, list_confirmed, closed,
		attestation FROM agreements`
	insertAgreement = `INSERT INTO agreements (request, number, request_number, state, rev, version, variant, lang, zone, not_before,
		until_day, term_from, term_until, sha256, released, editor, opened, held, durations, proposal, stop, concern, known, list_confirmed,
		closed, attestation, id, drafted)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)`
	updateAgreement = `UPDATE agreements SET request = $1, number = $2, request_number = $3, state = $4, rev = $5, version = $6,
		variant = $7, lang = $8, zone = $9, not_before = $10, until_day = $11, term_from = $12, term_until = $13, sha256 = $14,
		released = $15, editor = $16, opened = $17, held = $18, durations = $19, proposal = $20, stop = $21, concern = $22,
		known = $23, list_confirmed = $24, closed = $25, attestation = $26
		WHERE id = $27 AND rev = $28`

	selectConfirmations = `SELECT item, text_version, lang, answer, explanation, person, at, accepted FROM confirmations
		WHERE agreement = $1 ORDER BY position`
	insertConfirmation = `INSERT INTO confirmations (agreement, position, item, text_version, lang, answer, explanation, person, at,
		accepted) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	deleteConfirmations = `DELETE FROM confirmations WHERE agreement = $1`

	selectSignatures = `SELECT part, person, version, sha256, at, digest, salt, name, position, authority, document, signed_on, uploaded_by,
		confirmed_by FROM signatures`
	insertSignature = `INSERT INTO signatures (part, person, version, sha256, at, digest, salt, name, position, authority, document,
		signed_on, uploaded_by, confirmed_by, agreement)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`

	selectPapers = `SELECT id, version, sha256, document, uploader, uploaded, state, decider, decided, note FROM papers
		WHERE agreement = $1 ORDER BY position`
	savePaper = `INSERT INTO papers (id, version, sha256, document, uploader, uploaded, state, decider, decided, note, agreement, position)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, decider = excluded.decider, decided = excluded.decided, note = excluded.note`
	selectPaperSigners = `SELECT part, signed_on, digest, salt, name, position FROM paper_signers WHERE paper = $1 ORDER BY part`
	insertPaperSigner  = `INSERT INTO paper_signers (part, signed_on, digest, salt, name, position, paper) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (paper, part) DO NOTHING`

	selectAmendments = `SELECT id, number, type, state, person, asked, note, old_until, new_until, contact, questions, decisions,
		effective, sha256, succession FROM amendments`
	saveAmendment = `INSERT INTO amendments (id, number, type, state, person, asked, note, old_until, new_until, contact, questions,
			decisions, effective, sha256, succession, agreement)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, decisions = excluded.decisions, effective = excluded.effective,
			sha256 = excluded.sha256, succession = excluded.succession`

	insertDocument = `INSERT INTO documents (sha256, agreement, amendment, kind, version, lang, text_version, source, html, pdf, made)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (sha256) DO NOTHING`
	selectDocuments = `SELECT sha256, agreement, amendment, kind, version, lang, text_version, made FROM documents`
	selectDocument  = `SELECT sha256, agreement, amendment, kind, version, lang, text_version, made, source, html, pdf FROM documents
		WHERE sha256 = $1`

	insertNote = `INSERT INTO notes (id, subject, salt, digest, body, at) VALUES ($1, $2, $3, $4, $5, $6)`
	selectNote = `SELECT body FROM notes WHERE id = $1`

	insertMilestone  = `INSERT INTO milestones (agreement, milestone, reached) VALUES ($1, $2, $3) ON CONFLICT (agreement, milestone) DO NOTHING`
	selectMilestones = `SELECT milestone FROM milestones WHERE agreement = $1 ORDER BY reached, milestone`
)
