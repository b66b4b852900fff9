using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Printing;

StandardStreams.Use();
using var interruption = new Interruption();
return new CommandLine(CommandLine.Create(interruption.Token)).Run(args);
