using System.CommandLine;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cluster.Hosting;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Cli.Options;

/// <summary>The option <c>--cluster</c>.</summary>
internal sealed class ClusterOption
{
    private readonly Option<string?> cluster;

    /// <summary>Creates the option.</summary>
    /// <param name="description">Its text in help, before the forms of an address.</param>
    /// <param name="isRequired">Whether the command needs it.</param>
    public ClusterOption(string description, bool isRequired) => cluster = new("--cluster")
    {
        Description = $"{description}: a PostgreSQL connection string, redis://HOST:PORT, or localhost",
        HelpName = "connection",
        Required = isRequired,
    };

    public ClusterOption AddTo(Command command)
    {
        command.Add(cluster);
        return this;
    }

    /// <summary>The heading in help.</summary>
    public ClusterOption In(HelpGroup group)
    {
        cluster.Group = group;
        return this;
    }

    /// <summary>The option's name.</summary>
    public string Name => cluster.Name;

    /// <summary>Whether the option was given.</summary>
    public bool IsGiven(ParseResult parse) => parse.GetValue(cluster) is not null;

    /// <summary>The address.</summary>
    /// <exception cref="InvalidInputException">It has none of the forms. The text may have a password, so the message does not repeat it.</exception>
    public ClusterAddress Read(ParseResult parse)
    {
        try
        {
            return ClusterAddress.Parse(parse.GetValue(cluster)!);
        }
        catch (FormatException e)
        {
            throw new InvalidInputException(cluster.Name, $"The connection is not valid. {e.Message}", $"Use {ClusterAddress.Forms}.", e);
        }
    }
}
