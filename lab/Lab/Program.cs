using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Printing;
using PromptToPrompt.Lab;

StandardStreams.Use();
using var interruption = new Interruption();
return new CommandLine(LabCommands.Create(interruption.Token), "p2p-lab").Run(args);
