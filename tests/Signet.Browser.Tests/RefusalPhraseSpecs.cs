using System.Reflection;
using System.Text.RegularExpressions;
using Signet.Control;
using Signet.Web.Looks;

namespace Signet.Browser;

/// <summary>What Control says in one line is said in the reader's language: by templates, for names and numbers stand in these lines.</summary>
public sealed partial class RefusalPhraseSpecs
{
    private static string Source { get; } = Path.Combine(typeof(RefusalPhraseSpecs).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(one => one.Key == "Root").Value!, "src", "Signet.Control");

    // Where lines are made that reach a page through a variable, and the methods that make them. Verifiers of files, TOTP accounts and enrolment makers speak to the command line and the API alone.
    private static readonly (string Path, string Methods)[] Speaking =
    [
        ("Signet.Control/Commands/CommandCatalogue.cs", "WhyNot"), ("Signet.Control/Commands/Journey/AuthorizedCommand.cs", "Absence"), ("Signet.Control/Commands/Queue/Commands.Queue.cs", "WhyNotKept"),
        ("Signet.Control/Certificates/Certificates.Revoking.cs", "WhyConfirm"), ("Signet.Control/Devices/BulkChanges.cs", "WhyNot"), ("Signet.Control/Devices/DeviceSelection.cs", "WhyNot|TryParse"),
        ("Signet.Control/Devices/Fleet.cs", "WhyNot|WhyNoLabels"), ("Signet.Control/Enrolment/Enrolments.cs", "WhyNot"), ("Signet.Control/People/Accounts.cs", "WhyNot"), ("Signet.Control/People/Scope.cs", "WhyNot|Refuse"),
        ("Signet.Wire/Manifests/CommandRule.cs", "WhyNot|Must"), ("Signet.Pki/Certificates/LeafDraft.cs", "From|NamesOf"), ("Signet.Pki/Certificates/CertificateNames.cs", "TryParseHost"), ("Signet.Pki/Authority/NameConstraints.cs", "Outside"),
        ("Signet.Pki/Requests/RequestIntake.cs", @"\w+"), ("Signet.Pki/Requests/SigningRequest.cs", @"\w+"), ("Signet.Store/StoreException.cs", "From|FromSqlite|DiskFull"), ("Signet.Store/Postgres/PostgresFailure.cs", "From|FromServer|FromWay"),
        ("Signet.Access/Explaining/PolicyExplanation.cs", "Of|Step"), ("Signet.Access/Explaining/PolicyAssertions.cs", "TryRead|Run|Assertion"), ("Signet.Access/Policy/PolicyFile.cs", "TryRead|TryParse|WhyNotJson|Rule|Who|Words<T>"),
        ("Signet.Access/Policy/StrictObject.cs", @"\w+"), ("Signet.Access/Topics/TopicPattern.cs", "TryParse"), ("Signet.Wire/Approving/Quorum.cs", "IsMet"), ("Signet.Pki/Authority/CertificateAuthority.Revoking.cs", @"\w+"),
        ("Signet.Proof/Verification/LogVerifier.cs", @"\w+"), ("Signet.Proof/Verification/CheckpointWalk.cs", @"\w+"), ("Signet.Audit/Verification/AuditOffline.cs", "Run|WithPersonal"), ("Signet.Web/Pages/Commands/Approve.cshtml.cs", "OnGetAsync|TakeAsync"),
        ("Signet.Web/CommandArguments.cs", "Parse"), ("Signet.Web/SignIn/CommonPasswords.cs", "Fault"), ("Signet.Web/SignIn/BreachedPasswords.cs", "Fault"),
        ("Signet.Web/Pages/Commands/Index.cshtml.cs", "StartAsync"),
        // What is wrong with a signature that somebody handed in.
        ("Signet.Wire/Messages/SignedMessage.cs", "TryVerify<TClaims>|TryReadClaims<TClaims>"), ("Signet.Wire/Messages/ClaimsReader.cs", "Problem|Text|Flag|Texts|TextSet|Objects|Integer|Object|Scalar|Elements|Take"), ("Signet.Wire/Jose/CompactJws.cs", "TrySplit"),
        ("Signet.Wire/Json/CanonicalJson.cs", "TryParse|TryParseClaims"), ("Signet.Wire/Json/CanonicalReader.cs", @"\w+"), ("Signet.Wire/Approving/ApprovalMessage.cs", "ApprovalClaims"),
        // What a run of the attack lab found.
        ("Signet.Control/LabHistory.cs", "Of"), ("Signet.Lab/LabResults.cs", "Failures"), ("Signet.Lab/LabRun.cs", "RunAsync"),
    ];

    // Said to a programmer.
    private const string Misuse = "this kind of message has an audience: say which is expected";

    [Fact]
    [Trait("row", "S0-31")]
    public void Every_refusal_that_control_writes_out_has_its_spanish()
    {
        var lines = Directory.EnumerateFiles(Source, "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText)
            .SelectMany(text => Written().Matches(text).SelectMany(match => SpokenLines.Within(text, text.IndexOf('(', match.Index)))).Distinct().ToList();
        lines.Count.ShouldBeGreaterThan(100);
        var spanish = Phrases.Load("es");
        lines.Where(line => !spanish.ContainsKey(line)).ShouldBeEmpty("these have no Spanish in Phrases/es/refusals.json");
    }

    [Fact]
    [Trait("row", "S0-31")]
    public void Every_line_that_reaches_a_page_through_a_variable_has_its_spanish_too()
    {
        var root = Path.GetDirectoryName(Source)!;
        var spanish = Phrases.Load("es");
        var silent = new List<string>();
        var missing = new List<string>();
        var count = 0;
        foreach (var (path, methods) in Speaking)
        {
            var lines = SpokenLines.In(File.ReadAllText(Path.Combine(root, path)), methods).Distinct().ToList();
            if (lines.Count == 0) silent.Add(path);
            count += lines.Count;
            missing.AddRange(lines.Where(line => !spanish.ContainsKey(line) && !line.StartsWith("SELECT ", StringComparison.Ordinal) && line != Misuse).Select(line => $"{path}: {line}"));
        }

        silent.ShouldBeEmpty("these say nothing any more: look where their lines are made now");
        count.ShouldBeGreaterThan(90);
        missing.ShouldBeEmpty("these have no Spanish in Phrases/es/messages.json");
    }

    [Fact]
    [Trait("row", "S0-31")]
    public void What_entries_of_the_log_mean_and_what_settings_do_has_its_spanish()
    {
        var spanish = Phrases.Load("es");
        EventCatalogue.All.Select(row => row.Meaning).Where(meaning => !spanish.ContainsKey(meaning)).ShouldBeEmpty("these have no Spanish in Phrases/es/events.json");
        var settings = Directory.EnumerateFiles(Path.Combine(Path.GetDirectoryName(Source)!, "Signet.Cli", "Up"), "Setting*.cs").Select(File.ReadAllText)
            .SelectMany(text => Setting().Matches(text).Select(match => (Key: match.Groups[1].Value, Lines: SpokenLines.Within(text, text.IndexOf('(', match.Index))))).ToList();
        settings.Count.ShouldBeGreaterThan(60);
        settings.Where(setting => !setting.Lines.Any(spanish.ContainsKey)).Select(setting => setting.Key).ShouldBeEmpty("the meaning of these has no Spanish in Phrases/es/settings.json");
    }

    [Theory]
    [Trait("row", "S0-31")]
    [InlineData("", "el fichero está vacío; una política vacía no es una política")]
    [InlineData("{", "no es JSON: línea 1, byte 2")]
    [InlineData("""{"format":1,"format":1}""", "no es JSON: el campo \"format\" figura dos veces en un mismo objeto")]
    [InlineData("""{"format":2,"version":0,"rules":[]}""", "$.format es 2; este programa lee 1|$.version es menor que 1|$.rules está vacío")]
    [InlineData("""{"format":1,"version":1,"rules":[{"name":"a","effect":"allov","who":{"names":[7]},"actions":["publish","publish","fly"],"topics":["a/#/b","x/{y}","$share/g/t"],"x":1}]}""",
        "$.rules[0].effect es \"allov\"; debe ser uno de deny, allow|$.rules[0].who.names contiene algo que no es una cadena|$.rules[0].actions contiene \"publish\" dos veces|$.rules[0].actions contiene \"fly\"; debe ser uno de publish, subscribe, deliver, retain, will"
        + "|$.rules[0].topics contiene \"a/#/b\" no es un filtro de temas (un comodín ocupa un nivel entero; # solo el último)|$.rules[0].topics contiene \"x/{y}\": \"{y}\" no es un marcador; {device}, {name}, {user} ocupan cada uno un nivel entero"
        + "|$.rules[0].topics contiene \"$share/g/t\": una regla trata de temas; $share/GRUPO/ se quita antes de consultar las reglas|$.rules[0] tiene un campo desconocido \"x\"")]
    public void What_is_wrong_with_a_policy_is_said_in_spanish_to_the_last_word(string file, string spanish)
    {
        var before = System.Globalization.CultureInfo.CurrentUICulture;
        try
        {
            System.Globalization.CultureInfo.CurrentUICulture = System.Globalization.CultureInfo.GetCultureInfo("es");
            Signet.Access.PolicyFile.TryRead(System.Text.Encoding.UTF8.GetBytes(file), out _, out var faults).ShouldBeFalse();
            faults.Select(fault => $"{fault.Place} {new Phrases().Said(fault.What)}".Trim()).ShouldBe(spanish.Split('|'));
        }
        finally
        {
            System.Globalization.CultureInfo.CurrentUICulture = before;
        }
    }

    [Theory]
    [Trait("row", "S0-31")]
    [InlineData("no approval at all", "malformed: no son tres partes separadas por puntos")]
    [InlineData("W10.e30.AA", "malformed: cabecera: aquí debe empezar un objeto (posición 0)")]
    [InlineData("e30.e30.AA", "malformed: cabecera: falta 'alg'")]
    [InlineData("eyJhbGciOiJFUzI1NiIsImtpZCI6ImsiLCJ0eXAiOiJzaWduZXQtYXBwcm92YWwrand0In0.e30.AA", "unknown-key: no hay ninguna clave fijada k")]
    public void What_is_wrong_with_a_signed_approval_is_said_in_spanish_to_the_last_word(string approval, string spanish)
    {
        Signet.Wire.ApprovalMessage.TryVerify(System.Text.Encoding.UTF8.GetBytes(approval), new() { Keys = Signet.Wire.KeyRing.Empty, Topic = "", Now = DateTimeOffset.UnixEpoch }, out _, out var why).ShouldBeFalse();
        var before = System.Globalization.CultureInfo.CurrentUICulture;
        try
        {
            System.Globalization.CultureInfo.CurrentUICulture = System.Globalization.CultureInfo.GetCultureInfo("es");
            new Phrases().Said(why.ToString()).ShouldBe(spanish);
            new Phrases().Said("malformed: claims: 'exp' must be later than 'iat' by at most 604800 s").ShouldBe("malformed: contenido: 'exp' debe ser posterior a 'iat' en 604800 s como máximo");
        }
        finally
        {
            System.Globalization.CultureInfo.CurrentUICulture = before;
        }
    }

    [Fact]
    [Trait("row", "S0-31")]
    public void Every_reason_of_the_wire_can_stand_before_such_a_line_and_every_end_of_an_attack_has_its_spanish()
    {
        var spanish = Phrases.Load("es");
        Signet.Wire.RejectReasons.All.Select(reason => reason.Name + ": {0}").Where(line => !spanish.ContainsKey(line)).ShouldBeEmpty("these have no Spanish in Phrases/es/messages.json");
        var ends = Directory.EnumerateFiles(Path.Combine(Path.GetDirectoryName(Source)!, "Signet.Lab"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText)
            .SelectMany(text => End().Matches(text).SelectMany(match => SpokenLines.Within(text, text.IndexOf('(', match.Index)))).Where(line => !line.EndsWith(' ')).Distinct().ToList(); // what ends so is cut off, not said
        ends.Count.ShouldBeGreaterThan(60);
        ends.Where(line => !spanish.ContainsKey(line)).ShouldBeEmpty("these have no Spanish in Phrases/es/attacks.json");
    }

    [Fact]
    [Trait("row", "S0-31")]
    public void No_page_shows_a_message_of_the_center_as_it_comes()
    {
        var pages = Path.Combine(Path.GetDirectoryName(Source)!, "Signet.Web", "Pages");
        var bare = Directory.EnumerateFiles(pages, "*.cshtml", SearchOption.AllDirectories)
            .SelectMany(file => Shown().Matches(File.ReadAllText(file)).Select(match => $"{Path.GetRelativePath(pages, file)}: {match.Value}")).ToList();
        bare.ShouldBeEmpty("write @L.Said(...)");
    }

    [Theory]
    [InlineData("there is no device 'lamp-1'", "no hay ningún dispositivo 'lamp-1'")]
    [InlineData("ada is operator; manage-users needs admin", "ada tiene el rol operator; manage-users requiere admin")]
    [InlineData("ada may act on devices of heating only, and lamp-1 is in none of these groups", "ada solo puede actuar sobre dispositivos de heating, y lamp-1 no está en ninguno de esos grupos")]
    [InlineData("there is no device '{0}<script>$1'", "no hay ningún dispositivo '{0}<script>$1'")]
    [InlineData("there is no such account", "no hay tal cuenta")]
    [InlineData("policy: 'speed' must be a number from 0 to 3000", "política: 'speed' debe ser un número de 0 a 3000")]
    [InlineData("a device has at most 16 tags", "un dispositivo tiene como máximo 16 etiquetas")]
    [InlineData("the request is refused (weak-key): not version 1", "la solicitud se rechaza (weak-key): no es de la versión 1")]
    [InlineData("The audit log cannot be written, so nothing is done: audit.db: disk full. Free some space; nothing that was acknowledged is lost.", "No se puede escribir el registro de auditoría, así que no se hace nada: audit.db: disco lleno. Libere espacio; no se pierde nada de lo confirmado.")]
    [InlineData("something that nobody has translated", "something that nobody has translated")]
    [InlineData("", "")]
    public void A_line_with_names_and_numbers_in_it_is_found_by_its_template(string english, string spanish)
    {
        var before = System.Globalization.CultureInfo.CurrentUICulture;
        try
        {
            System.Globalization.CultureInfo.CurrentUICulture = System.Globalization.CultureInfo.GetCultureInfo("es");
            new Phrases().Said(english).ShouldBe(spanish);
            System.Globalization.CultureInfo.CurrentUICulture = System.Globalization.CultureInfo.GetCultureInfo("en");
            new Phrases().Said(english).ShouldBe(english);
        }
        finally
        {
            System.Globalization.CultureInfo.CurrentUICulture = before;
        }
    }

    [Fact]
    public void A_long_line_of_somebody_elses_is_answered_at_once()
    {
        System.Globalization.CultureInfo.CurrentUICulture = System.Globalization.CultureInfo.GetCultureInfo("es");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        new Phrases().Said(string.Concat(Enumerable.Repeat("a is b; c needs ", 4000)));
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(1));
    }

    // A member called Message, Why or the like of what the center gave back, written out as it is. A page's own message is made of phrases already, and a signed command's is bytes.
    [GeneratedRegex("@(?!Model\\.Message)(?!command\\.Message)[A-Za-z]\\w*(?:\\.\\w+)*\\.(?:Message|Why|What|Summary|Meaning|Detail)\\b(?![.(])", RegexOptions.None, 10_000)]
    private static partial Regex Shown();

    [GeneratedRegex("\\b(?:Refusal|new)\\(RefusalCode\\.\\w+,", RegexOptions.None, 10_000)]
    private static partial Regex Written();

    // How an attack ended, where it is made: in one house, at half a device, at a whole one.
    [GeneratedRegex(@"\bStrike\.(?:Succeeded|Blocked)\(|\bnew\(true, |\.Both\(", RegexOptions.None, 10_000)]
    private static partial Regex End();

    [GeneratedRegex("static readonly Setting \\w+ = new\\(\"([^\"]+)\"", RegexOptions.None, 10_000)]
    private static partial Regex Setting();
}
