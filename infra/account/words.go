package account

import "strings"

// commonWords are what people in the Netherlands choose, and what is chosen everywhere: whoever guesses begins with
// these, alone or with a number behind. The list of zxcvbn knows English ones only.
var commonWords = strings.Fields(`
	wachtwoord welkom welkom01 geheim geheimpje toegang inloggen aanmelden beheer beheerder gebruiker
	nederland holland amsterdam rotterdam utrecht denhaag eindhoven groningen nijmegen maastricht leiden delft haarlem
	ajax feyenoord oranje psv voetbal schaatsen fiets fietsen hagelslag stroopwafel drop kaas pannenkoek appeltaart
	lente zomer herfst winter januari februari maart april mei juni juli augustus september oktober november december
	maandag dinsdag woensdag donderdag vrijdag zaterdag zondag vandaag morgen gisteren
	schatje liefje lieverd moppie knuffel poepie kusje vlinder regenboog zonnetje bloemetje olifant
	ziekenhuis dokter arts verpleegkundige patient patienten onderzoek onderzoeker kanker genoom geneeskunde kliniek
	hospital doctor cancer genome genomics research researcher university universiteit faculty faculteit foundation stichting
	computer internet laptop telefoon bureau kantoor secretariaat
	password passw0rd p@ssword p@ssw0rd letmein welcome welcome1 changeme administrator iloveyou sunshine princess
	football monkey dragon master superman batman trustno1 starwars whatever qwerty qwertyuiop azerty qwertz asdfghjkl zxcvbnm
	abcdefgh abc12345 aaaaaaaa 12345678 123456789 1234567890 87654321 11111111 00000000 12341234 11223344
`)

var common = func() map[string]bool {
	m := make(map[string]bool, 2*len(commonWords))
	for _, w := range commonWords {
		m[w] = true
		m[bare(w)] = true
	}
	m[""] = true // nothing but digits and marks
	return m
}()
