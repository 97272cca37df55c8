namespace Signet.Access;

/// <summary>Roles of people and tokens; a higher one may do all that a lower one may. Numbers are stored: append only.</summary>
public enum Role
{
    Viewer = 1,
    Operator = 2,
    Admin = 3,
}
