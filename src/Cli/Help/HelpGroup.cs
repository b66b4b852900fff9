using System.CommandLine;
using System.Runtime.CompilerServices;

namespace PromptToPrompt.Cli.Help;

/// <summary>The headings of options and commands in help, in their order there.</summary>
internal enum HelpGroup
{
    // The heading of options and commands without one of their own.
    Options,
    Edit,
    Blend,
    Methods,
    Filters,
    Inversion,
    Sampling,
    Model,
    Output,
    Experiments,
    Help,

    // Commands.
    Commands,
    Images,
    Prompts,
    Models,
    Runs,
    Cluster,
    System,
}

/// <summary>Gives options and commands their heading where they are declared.</summary>
internal static class HelpGroups
{
    private static readonly ConditionalWeakTable<Symbol, object> Groups = [];

    extension(Symbol symbol)
    {
        /// <summary>The heading in help.</summary>
        public HelpGroup Group
        {
            get => Groups.TryGetValue(symbol, out var group) ? (HelpGroup)group : symbol is Command ? HelpGroup.Commands : HelpGroup.Options;
            set => Groups.AddOrUpdate(symbol, value);
        }
    }

    /// <summary>Sets the heading of an option or command in help.</summary>
    public static T In<T>(this T symbol, HelpGroup group)
        where T : Symbol
    {
        symbol.Group = group;
        return symbol;
    }
}
