using System.Collections.Frozen;
using System.Text;

namespace Signet.Web.SignIn;

/// <summary>Refuses passwords that guessers try first: well-known words and walks over the keyboard, alone or two together, however dressed up with digits,
/// signs, capitals or look-alike letters. NIST SP 800-63B asks for such a list and for no rule about which kinds of characters must occur.</summary>
public static class CommonPasswords
{
    private const int MostWords = 2;

    private static readonly FrozenSet<string> Words = """
        aaaaaa abc abcabc abcd abcde abcdef abcdefg abcdefgh abcdefghij access account action active admin administrator adminadmin admins alarm alexander alexis alpha amanda amazon america
        andrea andrew android angel angels anthony apple april arsenal asdf asdfasdf asdfgh asdfghjkl ashley august austin autumn azerty babygirl backup bailey banana barcelona baseball
        basketball batman battery beautiful beer bond blessed blink boston brandon broker bubbles buster butterfly california camera carlos center central changeit changeme charlie cheese
        chelsea chicken chocolate chris cisco classic claudia cloud coffee college command company computer connect contact control controller cookie correct cowboy cowboys crystal
        dakota dallas daniel danielle dashboard database david december default demo dennis device devices diamond doctor domain donald door dragon eagles easy elephant elizabeth email
        emergency engineer enter everton example explorer facebook factory falcon family fender ferrari field firebird fish fleet florida flower football forever france freedom friday
        friend friends fuck fuckyou galaxy gateway general george germany ginger giants girls gmail golden golfer google guest guitar hacker hammer hannah happy harley hello hellohello
        helloworld help hockey holiday home horse hotmail house hunter iceman iloveu iloveyou inferno instagram internet internal iot jackson jaguar january jasmine jennifer jessica
        jesus john jonathan jordan joseph joshua july june justin karate killer king kitten knight lakers lastpass laura lauren letmein letmeinnow lights linux liverpool local login
        london lovely loveme lover lucky machine madison maggie manager march marina market marlboro martin master matrix matthew maverick maxwell mercedes mercury metallica michael
        michelle microsoft mickey midnight miller mobile modem monday money monkey monster morgan mosquitto mother mqtt mustang mynoob mypass mypassword natasha nathan network newyork
        nicole nintendo ninja nothing november october office oliver online open operator orange oracle owner packers pass passphrase passw passwd password passwort patrick peaches
        peanut pepper phoenix please pokemon police porsche postgres power prince princess private public purple qazwsx qazwsxedc qwer qwert qwerty qwertyqwerty qwertyui qwertyuiop
        qweasd qweasdzxc rabbit rabbitmq rachel raider rainbow rangers raspberry rebecca redsox remote richard robert rocket root router sabrina samantha samsung sandra saturday
        scooter scorpio secret secure security sensor september server service setup shadow shannon signet silver simple skywalker slayer smart smokey snoopy soccer solution sophie
        spiderman spring staple star startrek starwars station steelers steven stupid summer sunday sunshine super superman superuser support swordfish system taylor temp temperature
        temporary tennis test tester testing testtest thermostat thomas thunder thursday tigers tigger tinkerbell tomcat toor toyota travel trustme trustno tuesday turtle twitter
        unknown update user username valve vanessa victoria viking wednesday welcome welcomehome whatever william windows winner winston winter wireless wizard wolf work world
        xbox yamaha yankees yellow yourname zaq zaqwsx zaqxsw zxcv zxcvbn zxcvbnm contraseña hola bienvenido administrador clave secreto temperatura humedad estado usuario
        """.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);

    private static readonly int LongestWord = Words.Max(word => word.Length);

    /// <summary>What is wrong with the password, for the person who chose it; null when it is good.</summary>
    public static string? Fault(string password, string userName)
    {
        if (password.Length < WebLimits.PasswordShortest) return $"Use at least {WebLimits.PasswordShortest} characters. A few unrelated words are easy to remember.";
        if (password.Length > WebLimits.PasswordLongest) return $"Use at most {WebLimits.PasswordLongest} characters.";
        if (password.Distinct().Count() < 5) return "Too few different characters: guessers try such passwords first.";
        if (IsSequence(password)) return "A row of neighbouring characters is among the first that guessers try.";
        if (userName.Length >= 3 && Letters(password).Replace(Letters(userName), "", StringComparison.Ordinal) is var rest && rest.Length < 6 && rest.Length < Letters(password).Length)
            return "The password is little more than the user name.";
        return IsCommon(Letters(password)) ? "This is a well-known password, or two well-known words. Guessers try those first." : null;
    }

    /// <summary>Lower case, look-alike signs as the letters they stand for, everything else left out.</summary>
    private static string Letters(string text)
    {
        var letters = new StringBuilder(text.Length);
        foreach (var c in text.Trim().TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '!', '?', '.', '*', '#', '$'))
        {
            var letter = char.ToLowerInvariant(c) switch { '0' => 'o', '1' or '!' => 'i', '3' => 'e', '4' or '@' => 'a', '5' or '$' => 's', '7' => 't', '8' => 'b', var other => other };
            if (char.IsLetter(letter)) letters.Append(letter);
        }
        return letters.ToString();
    }

    private static bool IsCommon(string letters)
    {
        if (letters.Length == 0) return true; // digits and signs alone
        // fewest[i]: fewest well-known words, counting a repeated one once, that make up the first i letters.
        var best = new Dictionary<int, HashSet<string>> { [0] = [] };
        for (var end = 1; end <= letters.Length; end++)
        {
            for (var start = Math.Max(0, end - LongestWord); start < end; start++)
            {
                var word = letters[start..end];
                if (!best.TryGetValue(start, out var words) || !Words.Contains(word)) continue;
                HashSet<string> together = [.. words, word];
                if (!best.TryGetValue(end, out var known) || together.Count < known.Count) best[end] = together;
            }
        }
        return best.TryGetValue(letters.Length, out var all) && all.Count <= MostWords;
    }

    private static bool IsSequence(string text)
    {
        var steps = 0;
        for (var i = 1; i < text.Length; i++) if (Math.Abs(text[i] - text[i - 1]) <= 1) steps++;
        return steps >= text.Length * 3 / 4;
    }
}
