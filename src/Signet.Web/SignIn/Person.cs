using Signet.Control;

namespace Signet.Web.SignIn;

/// <summary>An account while ASP.NET Core Identity works on it: Identity sets fields, the account itself is immutable.</summary>
public sealed class Person(Account account)
{
    public Account Account { get; set; } = account;

    public override string ToString() => Account.ToString();
}
