using PromptToPrompt.Cli;
using PromptToPrompt.Cli.Printing;

StandardStreams.Use();
int code;
using (var interruption = new Interruption())
{
    EarlyLoad.Begin(args);
    code = new CommandLine(CommandLine.Create(interruption.Token)).Run(args);
}
EarlyLoad.End(code);
return code;
