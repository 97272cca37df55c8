namespace Signet.Lab;

/// <summary>
/// The catalogues the lab maps to, kept here word for word as far as they are needed, so that a mapping cannot drift: ids that are not in these lists fail a test.
/// Sources: MITRE ATT&amp;CK for ICS (release 18, with the message techniques renumbered from T0803/T0804/T0855/T0856), OWASP IoT Top 10 (2018),
/// ETSI EN 303 645 V3.1.3 clauses 5.1 to 5.13, IEC 62443-4-2:2019 component requirements. Only techniques that can reach a message bus, its devices as message receivers,
/// its command center or its log are in scope; those inside a controller, a workstation or a radio are not, and are left out.
/// </summary>
public static class PinnedLists
{
    public static IReadOnlyDictionary<string, string> Techniques { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["T1692.001"] = "Unauthorized Message: Command Message (was T0855)",
        ["T1692.002"] = "Unauthorized Message: Reporting Message (was T0856)",
        ["T1691"] = "Block Operational Technology Message (was T0803, T0804)",
        ["T0806"] = "Brute Force I/O",
        ["T0812"] = "Default Credentials",
        ["T0813"] = "Denial of Control",
        ["T0814"] = "Denial of Service",
        ["T0815"] = "Denial of View",
        ["T0816"] = "Device Restart/Shutdown",
        ["T0819"] = "Exploit Public-Facing Application",
        ["T0830"] = "Adversary-in-the-Middle",
        ["T0831"] = "Manipulation of Control",
        ["T0832"] = "Manipulation of View",
        ["T0836"] = "Modify Parameter",
        ["T0840"] = "Network Connection Enumeration",
        ["T0842"] = "Network Sniffing",
        ["T0848"] = "Rogue Master",
        ["T0849"] = "Masquerading",
        ["T0857"] = "System Firmware",
        ["T0859"] = "Valid Accounts",
        ["T0861"] = "Point & Tag Identification",
        ["T0862"] = "Supply Chain Compromise",
        ["T0872"] = "Indicator Removal on Host",
        ["T0878"] = "Alarm Suppression",
        ["T0882"] = "Theft of Operational Information",
        ["T0884"] = "Connection Proxy",
        ["T0888"] = "Remote System Information Discovery",
        ["T0890"] = "Exploitation for Privilege Escalation",
    };

    /// <summary>Catalogue entries a control can meet: OWASP, ETSI and IEC, with their prefix.</summary>
    public static IReadOnlyDictionary<string, string> Requirements { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["OWASP I1"] = "Weak, guessable, or hardcoded passwords",
        ["OWASP I2"] = "Insecure network services",
        ["OWASP I3"] = "Insecure ecosystem interfaces",
        ["OWASP I4"] = "Lack of secure update mechanism",
        ["OWASP I5"] = "Use of insecure or outdated components",
        ["OWASP I6"] = "Insufficient privacy protection",
        ["OWASP I7"] = "Insecure data transfer and storage",
        ["OWASP I8"] = "Lack of device management",
        ["OWASP I9"] = "Insecure default settings",
        ["OWASP I10"] = "Lack of physical hardening",
        ["ETSI 5.1"] = "No universal default passwords",
        ["ETSI 5.2"] = "Implement a means to manage reports of vulnerabilities",
        ["ETSI 5.3"] = "Keep software updated",
        ["ETSI 5.4"] = "Securely store sensitive security parameters",
        ["ETSI 5.5"] = "Communicate securely",
        ["ETSI 5.6"] = "Minimize exposed attack surfaces",
        ["ETSI 5.7"] = "Ensure software integrity",
        ["ETSI 5.8"] = "Ensure that personal data is secure",
        ["ETSI 5.9"] = "Make systems resilient to outages",
        ["ETSI 5.10"] = "Examine system telemetry data",
        ["ETSI 5.11"] = "Make it easy for users to delete user data",
        ["ETSI 5.12"] = "Make installation and maintenance of devices easy",
        ["ETSI 5.13"] = "Validate input data",
        ["IEC CR 1.1"] = "Human user identification and authentication",
        ["IEC CR 1.2"] = "Software process and device identification and authentication",
        ["IEC CR 1.5"] = "Authenticator management",
        ["IEC CR 1.8"] = "Public key infrastructure certificates",
        ["IEC CR 1.9"] = "Strength of public key-based authentication",
        ["IEC CR 1.11"] = "Unsuccessful login attempts",
        ["IEC CR 2.1"] = "Authorization enforcement",
        ["IEC CR 2.6"] = "Remote session termination",
        ["IEC CR 2.8"] = "Auditable events",
        ["IEC CR 2.10"] = "Response to audit processing failures",
        ["IEC CR 2.12"] = "Non-repudiation",
        ["IEC CR 3.1"] = "Communication integrity",
        ["IEC CR 3.5"] = "Input validation",
        ["IEC CR 3.8"] = "Session integrity",
        ["IEC CR 3.9"] = "Protection of audit information",
        ["IEC CR 4.1"] = "Information confidentiality",
        ["IEC CR 4.3"] = "Use of cryptography",
        ["IEC CR 6.1"] = "Audit log accessibility",
        ["IEC CR 7.1"] = "Denial of service protection",
        ["IEC CR 7.2"] = "Resource management",
    };
}

/// <summary>What the attacks cover of the pinned lists, and what not.</summary>
/// <param name="Unknown">Ids in the mapping that the lists do not hold; must be empty.</param>
/// <param name="UncoveredTechniques">In scope, and no attack of the lab uses them: gaps.</param>
/// <param name="UncoveredRequirements">No control of the lab stands for them: gaps of the lab, not necessarily of the house.</param>
public sealed record Coverage(IReadOnlyList<string> Unknown, IReadOnlyList<string> UncoveredTechniques, IReadOnlyList<string> UncoveredRequirements)
{
    public static Coverage Of(IReadOnlyCollection<Attack> attacks, IReadOnlyCollection<Control> controls)
    {
        var techniques = attacks.SelectMany(a => a.Techniques).ToHashSet(StringComparer.Ordinal);
        var requirements = controls.SelectMany(c => c.Requirements).ToHashSet(StringComparer.Ordinal);
        var unknown = techniques.Where(t => !PinnedLists.Techniques.ContainsKey(t))
            .Concat(requirements.Where(r => !PinnedLists.Requirements.ContainsKey(r)))
            .Concat(attacks.Where(a => controls.All(c => c.Name != a.Control)).Select(a => $"{a.Name}: control {a.Control}"))
            .Concat(controls.Where(c => attacks.All(a => a.Control != c.Name)).Select(c => $"control {c.Name} stops no attack"));
        return new([.. unknown], [.. PinnedLists.Techniques.Keys.Where(t => !techniques.Contains(t))], [.. PinnedLists.Requirements.Keys.Where(r => !requirements.Contains(r))]);
    }
}
