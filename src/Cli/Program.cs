using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Printing;

StandardStreams.Use();
using var interruption = new Interruption();
return CommandLine.Run(args, interruption.Token);
