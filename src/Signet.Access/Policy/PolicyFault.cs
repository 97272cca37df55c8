namespace Signet.Access;

/// <summary>One thing that is wrong with a policy or with a file of assertions.</summary>
/// <param name="Place">Where it stands: <c>$.rules[3].topics</c>, without a space; "" for the file as a whole.</param>
/// <param name="What">What is wrong there, as the rest of a sentence that begins with the place.</param>
public sealed record PolicyFault(string Place, string What)
{
    /// <summary>One line for people.</summary>
    public override string ToString() => Place.Length == 0 ? What : $"{Place} {What}";
}
